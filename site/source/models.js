// The trained models of the course, run in plain JavaScript. An image is an array of 784 inks from 0 to 1.

const SIDE = 28;

export const sigmoid = score => 1/(1 + Math.exp(-score));
export const decode = base64 => Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));

// the state dict of each model: its names and shapes, and all their numbers in one row
export function unpack({shapes, numbers}) {
  const flat = new Float32Array(decode(numbers).buffer), models = {};
  let start = 0;
  for (const [model, name, shape] of shapes) {
    const size = shape.reduce((a, b) => a*b, 1);
    (models[model] ??= {})[name] = flat.subarray(start, start += size);
  }
  return models;
}

function dot(a, b, from = 0) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]*b[from + i];
  return sum;
}

function pad(map, side, padding) {
  const wide = side + 2*padding, padded = new Float64Array(wide*wide);
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) padded[(y + padding)*wide + x + padding] = map[y*side + x];
  return padded;
}

// 01: how far an image is from each of the means, pixel by pixel
export function pixelSimilarity(image, {mean3, mean7}) {
  const [far3, far7] = [mean3, mean7].map(mean => image.map((ink, i) => Math.abs(ink - mean[i])));
  const [distance3, distance7] = [far3, far7].map(far => far.reduce((a, b) => a + b)/far.length);
  return {score: distance7 - distance3, far3, far7, distance3, distance7};
}

// 02 and 03: a weighted sum of the pixels
export function linear(image, {'1.weight': weight, '1.bias': bias}) {
  const votes = image.map((ink, i) => ink*weight[i]);
  return {score: votes.reduce((a, b) => a + b) + bias[0], votes, bias: bias[0]};
}

// 04: hidden activations with a ReLU, and a weighted sum of what they give
export function smallNetwork(image, {'1.weight': w1, '1.bias': b1, '3.weight': w2, '3.bias': b2}) {
  const units = Array.from(b1, (bias, unit) => Math.max(0, bias + dot(image, w1, unit*image.length)));
  const votes = units.map((activation, unit) => activation*w2[unit]);
  return {score: votes.reduce((a, b) => a + b) + b2[0], units, votes, bias: b2[0]};
}

// one feature map: the kernels of one output channel slide over all the maps that come in, with a padding of zeros around them
export function convolve(maps, side, kernels, k, padding) {
  const wide = side + 2*padding, out = wide - k + 1, result = new Array(out*out).fill(0);
  maps.forEach((map, channel) => {
    const padded = padding ? pad(map, side, padding) : map, kernel = kernels.subarray(channel*k*k, (channel + 1)*k*k);
    for (let y = 0; y < out; y++) for (let x = 0; x < out; x++) {
      let sum = 0;
      for (let dy = 0; dy < k; dy++) for (let dx = 0; dx < k; dx++) sum += padded[(y + dy)*wide + x + dx]*kernel[dy*k + dx];
      result[y*out + x] += sum;
    }
  });
  return result;
}

// the largest of each 2×2
function maxPool(map, side) {
  const out = side >> 1;
  return Array.from({length: out*out}, (_, i) => {
    const corner = 2*(i/out | 0)*side + 2*(i % out);
    return Math.max(map[corner], map[corner + 1], map[corner + side], map[corner + side + 1]);
  });
}

// convolution, max-pooling, batch normalization with the running averages, ReLU
function convBlock(maps, side, weights, block, k, padding) {
  const [kernels, gamma, beta, mean, variance] = ['0.weight', '2.weight', '2.bias', '2.running_mean', '2.running_var'].map(name => weights[`${block}.${name}`]);
  const size = maps.length*k*k;
  return Array.from(gamma, (_, channel) => {
    const own = kernels.subarray(channel*size, (channel + 1)*size);
    const pooled = maxPool(convolve(maps, side, own, k, padding), side + 2*padding - k + 1);
    return pooled.map(x => Math.max(0, (x - mean[channel])/Math.sqrt(variance[channel] + 1e-5)*gamma[channel] + beta[channel]));
  });
}

// the three blocks of 06: the prefix of their weights, the side of a kernel, the padding, and the side of the maps that come in
export const BLOCKS = [['model.1', 5, 0, 28], ['model.2', 3, 1, 12], ['model.3', 3, 1, 6]];

// 06: layers[0] is the image, and layers[n] the feature maps of block n
export function tinyCnn(image, weights) {
  const layers = [[image]];
  for (const [block, k, padding, side] of BLOCKS) layers.push(convBlock(layers.at(-1), side, weights, block, k, padding));
  const [weight, bias] = [weights['model.5.weight'], weights['model.5.bias'][0]];
  const votes = layers.at(-1).flat().map((activation, i) => activation*weight[i]);
  return {score: votes.reduce((a, b) => a + b) + bias, layers, votes, bias};
}

// what leaves on one side comes back on the other, as with torch.roll
export function roll(image, dy, dx) {
  return image.map((_, i) => image[((i/SIDE | 0) - dy + SIDE) % SIDE*SIDE + (i % SIDE - dx + SIDE) % SIDE]);
}

// test-time augmentation: the probabilities of the nine copies, and their mean
export function tinyNetwork(image, weights) {
  const copies = [-1, 0, 1].flatMap(dy => [-1, 0, 1].map(dx => tinyCnn(roll(image, dy, dx), weights)));
  const probabilities = copies.map(copy => sigmoid(copy.score));
  return {...copies[4], probabilities, probability: probabilities.reduce((a, b) => a + b)/9};
}

// the rows and columns of the image that a pixel of a feature map has seen: [first row, last row, first column, last column]
export function receptiveField(block, row, column) {
  return [row, column].flatMap(place => {
    let [low, high] = [place, place];
    for (const [, k, padding, side] of BLOCKS.slice(0, block).reverse()) {
      [low, high] = [2*low - padding, 2*high + 1 - padding + k - 1];  // back through the pooling, then through the kernel
      [low, high] = [Math.max(0, low), Math.min(side - 1, high)];
    }
    return [low, high];
  });
}

export const RUN = {
  'pixel similarity': pixelSimilarity, 'linear model, our SGD': linear, 'linear model, Learner': linear,
  'small network': smallNetwork, 'tiny network': tinyNetwork,
};

// everything each model computes for an image, with its probability of a 3
export function predictAll(image, weights) {
  return Object.fromEntries(Object.entries(RUN).map(([name, run]) => {
    const found = run(image, weights[name]);
    return [name, {probability: sigmoid(found.score), ...found}];
  }));
}

// the smallest and the largest probability that the trained models give, that is, all but pixel similarity
export function range(found) {
  const given = Object.keys(found).filter(name => name !== 'pixel similarity').map(name => found[name].probability);
  return [Math.min(...given), Math.max(...given)];
}

// the rule of lesson 07: the trained models disagree by more than the limit
export function disagreement(found) {
  const [low, high] = range(found);
  return high - low;
}
