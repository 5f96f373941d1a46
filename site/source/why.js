// Why a model says what it says: a function for each, from what it computed to elements of the page.

import {BLOCKS, receptiveField, roll, sigmoid} from './models.js';
import {INK, MARK, SEVEN, SIGN, THREE, element, gray, legend, mark, percent, picture, signed, votes} from './pictures.js';

const largest = values => Math.max(1e-9, ...values.map(Math.abs));
const total = values => values.reduce((a, b) => a + b, 0);
const text = (html, className = '') => element('p', {innerHTML: html, className});
const row = (...children) => element('div', {className: 'row pictures'}, ...children);
const signedText = value => (value < -.005 ? '−' : value < .005 ? '' : '+') + Math.abs(value).toFixed(2);
const sum = (values, bias, start = '') => {
  const [blue, orange] = [total(values.filter(v => v > 0)), total(values.filter(v => v < 0))], score = blue + orange + bias;
  return text(`${start}<b class="three">${start ? 'all' : 'All'} the blue adds up to ${signedText(blue)}</b>, and <b class="seven">all the orange to ${signedText(orange)}</b>. With a bias of ` +
    `${signedText(bias)}, that's a score of <b>${signedText(score)}</b>. The sigmoid turns it into a probability of a 3: ${percent(sigmoid(score))}.`);
};

function whyMeans(image, found, {mean3, mean7}) {
  const nearer = found.score > 0 ? 3 : 7;
  return [
    text('How far is each pixel from the average 3, and how far from the average 7? We take the mean difference over all pixels, and the smaller one wins.'),
    row(picture(Array.from(mean3), 28, gray(), 'The average 3', 'the average 3'),
      picture(found.far3, 28, gray(), 'Difference from the average 3, pixel by pixel', `mean difference: ${found.distance3.toFixed(4)}`),
      picture(Array.from(mean7), 28, gray(), 'The average 7', 'the average 7'),
      picture(found.far7, 28, gray(), 'Difference from the average 7, pixel by pixel', `mean difference: ${found.distance7.toFixed(4)}`)),
    legend(INK),
    text(`It's nearer to the average <b>${nearer}</b>. The score is ${found.distance7.toFixed(4)} − ${found.distance3.toFixed(4)} = ${found.score.toFixed(4).replace('-', '−')}, and the sigmoid turns it into a probability of a 3: ${percent(sigmoid(found.score))}. ` +
      'That\'s close to 50%, because the differences are small, and nobody trained the score to be a probability.'),
  ];
}

function whyLinear(image, found, weights) {
  const weight = Array.from(weights['1.weight']);
  return [
    text('Each pixel has a weight. Weight × ink is the pixel\'s vote, and the votes are added up.'),
    row(picture(weight, 28, votes(largest(weight)), 'The weights', 'weights'),
      picture(image, 28, gray(), 'What you drew', '× ink'),
      picture(found.votes, 28, votes(largest(found.votes)), 'Weight times ink at each pixel', '= votes')),
    legend(THREE, SEVEN), sum(found.votes, found.bias),
  ];
}

function whySmall(image, found, weights) {
  const most = largest(found.votes), awake = found.units.filter(a => a > 0).length;
  const bars = found.votes.map((vote, unit) => element('i', {
    className: !found.units[unit] ? 'asleep' : vote > 0 ? 'for3' : 'for7', style: `--height: ${Math.abs(vote)/most}`, title: `activation ${unit + 1}: ${signedText(vote)}`,
  }));
  const strongest = [...found.votes.keys()].sort((a, b) => Math.abs(found.votes[b]) - Math.abs(found.votes[a])).slice(0, 4);
  const seen = unit => image.map((ink, i) => ink*weights['1.weight'][784*unit + i]*weights['3.weight'][unit]);
  return [
    text(`Of the 30 hidden activations, <b>${awake} are awake</b>. The others are 0 after the ReLU, and don't vote. A vote is an activation × its weight.`),
    element('div', {className: 'bars', role: 'img', 'aria-label': `Votes of the 30 hidden activations: ${awake} are awake`}, ...bars),
    legend(THREE, SEVEN, ['var(--soft)', 'asleep']), sum(found.votes, found.bias),
    text('The four strongest votes. Blue pixels push a vote toward a 3, and orange pixels toward a 7:'),
    row(...strongest.map(unit => picture(seen(unit), 28, votes(largest(seen(unit))), `Pushes of the pixels through activation ${unit + 1}`, `activation ${unit + 1}: ${signedText(found.votes[unit])}`))),
  ];
}

// the kernels that make one feature map, side by side
function kernelsOf(weights, block, channel) {
  const [prefix, k] = BLOCKS[block - 1], all = weights[`${prefix}.0.weight`], count = all.length/weights[`${prefix}.2.bias`].length/k/k;
  const own = Array.from(all.subarray(channel*count*k*k, (channel + 1)*count*k*k)), columns = count*(k + 1) - 1;
  const strip = Array.from({length: k*columns}, (_, i) => {
    const [y, x] = [i/columns | 0, i % columns];
    return x % (k + 1) === k ? null : own[(x/(k + 1) | 0)*k*k + y*k + x % (k + 1)];
  });
  return picture(strip, columns, signed(largest(own)), `Kernels of map ${channel + 1}`, '', `kernels of${count}`);
}

function whyTiny(image, found, weights) {
  const input = picture(image, 28, gray(), 'What you drew', 'the image');
  const told = element('p', {className: 'soft told', textContent: 'To see where a pixel of a feature map looked, point at it, or select the map with Tab and use the arrow keys.'});
  told.setAttribute('aria-live', 'polite');
  const looked = row(input, told);
  looked.classList.add('looked');
  const maps = found.layers.slice(1).map((layer, n) => layer.map((map, channel) => followed(map, n + 1, channel)));

  // the map as a picture whose pixels can be followed back to the image
  function followed(map, block, channel) {
    const side = Math.sqrt(map.length), figure = picture(map, side, gray(largest(found.layers[block].flat())), '', '', 'map'), canvas = figure.querySelector('canvas');
    let [row, column] = [side >> 1, side >> 1];
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'application');
    canvas.setAttribute('aria-label', `Block ${block}, feature map ${channel + 1}: arrow keys move from pixel to pixel`);
    const follow = () => {
      for (const old of document.querySelectorAll('.why .mark')) old.remove();
      const [top, bottom, left, right] = receptiveField(block, row, column);
      mark(figure, {left: column, top: row, columns: 1, rows: 1}, 'mark', side);
      mark(input, {left, top, columns: right - left + 1, rows: bottom - top + 1});
      told.textContent = `Block ${block}, map ${channel + 1}, row ${row}, column ${column} is ${map[row*side + column].toFixed(3)}. ` +
        `It saw rows ${top} to ${bottom} and columns ${left} to ${right} of the image. (We count from 0.)`;
    };
    canvas.addEventListener('focus', follow);
    for (const type of ['pointermove', 'pointerdown']) canvas.addEventListener(type, event => {
      const place = [event.offsetY/canvas.clientHeight, event.offsetX/canvas.clientWidth].map(share => Math.min(side - 1, Math.max(0, share*side | 0)));
      if (figure.querySelector('.mark') && place[0] === row && place[1] === column) return;
      [row, column] = place;
      follow();
    });
    canvas.addEventListener('keydown', event => {
      const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      [row, column] = [row + step[0], column + step[1]].map(place => Math.min(side - 1, Math.max(0, place)));
      follow();
    });
    return figure;
  }

  const blocks = maps.flatMap((figures, n) => {
    const [, k] = BLOCKS[n];
    const side = BLOCKS[n + 1]?.[3] ?? 3, from = found.layers[n].length;
    return [element('h3', {}, `Block ${n + 1}: ${figures.length} feature maps, ${side}×${side}, each made with ${from} ${from > 1 ? 'kernels' : 'kernel'}, ${k}×${k}`),
      row(...figures.map((figure, channel) => element('div', {className: 'pair'}, figure, kernelsOf(weights, n + 1, channel))))];
  });
  const ballots = found.layers[3].map((_, channel) => {
    const own = found.votes.slice(9*channel, 9*channel + 9);
    return picture(own, 3, votes(largest(found.votes)), `Votes of map ${channel + 1}: ${signedText(total(own))}`, signedText(total(own)), 'map');
  });
  const copies = found.probabilities.map((p, i) => picture(roll(image, (i/3 | 0) - 1, i % 3 - 1), 28, gray(), `Copy ${i + 1}`, percent(p), 'small'));
  return [
    text('After each convolution, only the largest of each 2×2 is kept (max-pooling), which halves the sides.', 'soft'), looked, ...blocks, legend(INK, SIGN, MARK),
    element('h3', {}, 'The votes: block 3 × weights'), row(...ballots), legend(THREE, SEVEN), sum(found.votes, found.bias, 'Pixel by pixel, '),
    element('h3', {}, 'The same for nine copies'),
    text(`Each is shifted by a pixel, or not at all. The mean of their probabilities of a 3 is what counts: <b>${percent(found.probability)}</b>. That's test-time augmentation (TTA).`),
    row(...copies),
  ];
}

function whyResnet(image, found, weights, sample) {
  const said = sample && `For this image, it says ${sample.resnet > .5 ? 3 : 7}, and is ${percent(Math.max(sample.resnet, 1 - sample.resnet))} sure.`;
  return [text('resnet18 has 11,704,896 parameters, which take 47 MB, so it\'s too large for this page. ' +
    'Its predictions for the sample images were computed in advance, by one resnet18 that was trained as in lesson 05.'), text(said || 'Choose a sample image to see them.')];
}

export const WHY = {
  'pixel similarity': whyMeans, 'linear model, our SGD': whyLinear, 'linear model, Learner': whyLinear, 'small network': whySmall,
  resnet18: whyResnet, 'tiny network': whyTiny,
};
