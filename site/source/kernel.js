// The convolution of lesson 05, one number at a time.

import {blueOrange, color, onTheme, paint} from './theme.js';
import {decode} from './models.js';
import {byId, data, fixed, onArrows, onDrag, player, say} from './play.js';

const SIZE = 28, WIDE = SIZE + 2;  // with a padding of one on each side
const three = Array.from(decode(data.three), level => level/255);
const KERNELS = {
  'left and right edges': [-1, 0, 1, -1, 0, 1, -1, 0, 1],
  'upper and lower edges': [-1, -1, -1, 0, 0, 0, 1, 1, 1],
  'all ink nearby': [1, 1, 1, 1, 1, 1, 1, 1, 1],
};
const OWN = 'your own';

let kernel, map, row = 9, column = 17;  // the place where the lesson begins
const seen = new Array(SIZE*SIZE).fill(false);

const pixel = (y, x) => y < 0 || x < 0 || y >= SIZE || x >= SIZE ? 0 : three[y*SIZE + x];
const products = (weights, y, x) => weights.map((weight, i) => weight*pixel(y + (i/3 | 0) - 1, x + i % 3 - 1));
const featureMap = weights => three.map((_, i) => products(weights, i/SIZE | 0, i % SIZE).reduce((a, b) => a + b));
const full = () => kernel.reduce((sum, weight) => sum + Math.abs(weight), 0)/2 || 1;  // from here on, a color is as strong as it gets
const sum = () => map[row*SIZE + column];

// a value for each place of 30×30, or nothing on the padding
const padded = values => Array.from({length: WIDE*WIDE}, (_, i) => {
  const y = (i/WIDE | 0) - 1, x = i % WIDE - 1;
  return y < 0 || x < 0 || y >= SIZE || x >= SIZE ? undefined : values[y*SIZE + x];
});

function drawImage() {
  const [paper, ink, line] = ['paper', 'ink', 'line'].map(color);
  paint(byId('image'), padded(three), level => level === undefined ? line : blueOrange(level, [paper, ink, ink]));
}

function drawMap() {
  const colors = ['paper', 'seven', 'three'].map(color), [card, line] = ['card', 'line'].map(color);
  const shown = padded(map.map((value, i) => seen[i] ? value : NaN)), hatching = i => ((i/WIDE | 0) + i) % 3 ? card : line;
  paint(byId('map'), shown, (value, i) => value === undefined ? card : isNaN(value) ? hatching(i) : blueOrange(value/full(), colors));
  const done = seen.filter(Boolean).length;
  byId('map').setAttribute('aria-label', `The feature map: ${done} of 784 numbers are filled in`);
  byId('least').textContent = `${fixed(-full(), 1)} or less`;
  byId('most').textContent = `${fixed(full(), 1)} or more`;
}

// a cell is as blue or orange as its product, but never so much that it's hard to read
function drawProducts() {
  const colors = ['card', 'seven', 'three'].map(color), most = Math.max(...kernel.map(Math.abs)) || 1;
  products(kernel, row, column).forEach((product, i) => {
    const cell = byId('nine').children[i], [shown, result] = cell.querySelectorAll('span, output');
    shown.textContent = fixed(pixel(row + (i/3 | 0) - 1, column + i % 3 - 1));
    result.textContent = `= ${fixed(product)}`;
    cell.style.background = `rgb(${blueOrange(.35*product/most, colors)})`;
  });
  byId('sum').textContent = `sum: ${fixed(sum())}`;
  byId('hue').style.background = `rgb(${blueOrange(sum()/full(), ['paper', 'seven', 'three'].map(color))})`;
}

function strength() {
  const share = sum()/full();
  if (Math.abs(share) < 1/6) return 'close to 0 for this kernel, so this spot stays pale';
  return `${Math.abs(share) > 1/2 ? 'far ' : ''}${share > 0 ? 'above 0, so this spot turns blue' : 'below 0, so this spot turns orange'}`;
}

function place(box, offset) {
  box.style.left = `${100*(column + offset)/WIDE}%`;
  box.style.top = `${100*(row + offset)/WIDE}%`;
}

function draw() {
  seen[row*SIZE + column] = true;
  drawMap();
  drawProducts();
  place(byId('window'), 0);
  place(byId('spot'), 1);
  byId('window').setAttribute('aria-valuenow', row*SIZE + column);
  byId('window').setAttribute('aria-valuetext', `row ${row}, column ${column}`);
  byId('verdict').ariaLive = sliding.playing() && row*SIZE + column < SIZE*SIZE - 1 ? 'off' : 'polite';  // while it plays, it isn't spoken
  say(`At row ${row}, column ${column}, the nine products add up to <strong>${fixed(sum())}</strong>. That's ${strength()}.`);
}

function moveTo(y, x) {
  [row, column] = [y, x].map(place => Math.min(SIZE - 1, Math.max(0, place)));
  draw();
}

function use(weights) {
  kernel = weights;
  map = featureMap(kernel);
  draw();
}

// the place under the pointer, on either picture
function point(event) {
  const box = event.currentTarget.closest('.frame').getBoundingClientRect();
  moveTo(...[[event.clientY - box.top, box.height], [event.clientX - box.left, box.width]].map(([far, size]) => Math.floor(far/size*WIDE) - 1));
}

const sliding = player(byId('play'), () => 15, () => {
  const next = (row*SIZE + column + 1) % (SIZE*SIZE);  // from the end, back to the start
  moveTo(next/SIZE | 0, next % SIZE);
  return next < SIZE*SIZE - 1;
});

byId('nine').innerHTML = KERNELS['all ink nearby'].map((_, i) => `<label><span></span> × <input type="number" step="0.5" min="-9" max="9" `
  + `aria-label="weight in row ${i/3 | 0}, column ${i % 3} of the kernel"><output></output></label>`).join('');
const inputs = [...byId('nine').querySelectorAll('input')];
const showWeights = weights => inputs.forEach((input, i) => input.value = weights[i]);

byId('kernels').innerHTML = [...Object.keys(KERNELS), OWN].map(name => `<option>${name}</option>`).join('');
byId('kernels').addEventListener('change', ({target: {value}}) => {
  if (value === OWN) return inputs[0].focus();
  showWeights(KERNELS[value]);
  use(KERNELS[value]);
});
byId('nine').addEventListener('input', ({target}) => {
  byId('kernels').value = OWN;
  if (Math.abs(target.value) > 9) target.value = 9*Math.sign(target.value);
  use(inputs.map(input => +input.value));
});
byId('nine').addEventListener('change', () => showWeights(kernel));  // a box that's empty becomes 0
byId('fill').addEventListener('click', () => { sliding.stop(); seen.fill(true); draw(); });
byId('clear').addEventListener('click', () => { sliding.stop(); seen.fill(false); draw(); });
onArrows(byId('window'), (right, down) => { sliding.stop(); moveTo(row + down, column + right); });
onDrag(byId('image').parentElement, event => { sliding.stop(); point(event); }, byId('window'));
byId('map').addEventListener('pointerdown', event => { sliding.stop(); point(event); });
onTheme(() => { drawImage(); draw(); });

drawImage();
showWeights(KERNELS['left and right edges']);
use(KERNELS['left and right edges']);

globalThis.page = {convolve: featureMap, image: three};
