// The augmentation of lesson 06 with sliders: where each pixel of the new image is taken from in the old one.

import {blueOrange, color, onTheme, paint} from './theme.js';
import {decode, tinyNetwork, unpack} from './models.js';
import {byId, data, fixed, randomNumbers, say} from './play.js';

const SIZE = 28, NODES = 5;
const DIGITS = ['7', '3'];
const images = Object.fromEntries(DIGITS.map(digit => [digit, Array.from(decode(data.images[digit]), level => level/255)]));
const weights = unpack(data.models)['tiny network'];

// name, largest amount, largest in training, step of the slider, and how it's said
const side = (value, [less, more]) => value < 0 ? less : more;
const signed = (value, sides, unit, digits = 0) =>
  +value.toFixed(digits) === 0 ? `0${unit}` : `${fixed(Math.abs(value), digits)}${unit} ${side(value, sides)}`;
const SLIDERS = {
  rotate: ['rotation', 180, 15, 1, value => signed(value, ['left', 'right'], '°')],
  right: ['shift sideways', 14, 2, .25, value => signed(value, ['left', 'right'], ' px', 1)],
  down: ['shift up or down', 14, 2, .25, value => signed(value, ['up', 'down'], ' px', 1)],
  zoom: ['zoom', .5, .2, .01, value => `${fixed(1/(1 - value))} times`],
  slant: ['slant', 1.5, .15, .01, value => signed(value, ['left', 'right'], '', 2)],
  bend: ['bend', 6, 1, .1, value => `${fixed(value, 1)} px`],
};

// the sliders stand at these amounts, but the one for zoom at how often the size doubles: 2 times is as far from 1 as 0.5 times
const toSlider = (name, amount) => name === 'zoom' ? -Math.log2(1 - amount) : amount;
const fromSlider = (name, value) => name === 'zoom' ? 1 - 2**-value : value;

// how much each of five points in a row moves each of 28 pixels: bicubic interpolation, from corner to corner
const A = -.75;
const near = t => ((A + 2)*t - (A + 3))*t*t + 1, far = t => ((A*t - 5*A)*t + 8*A)*t - 4*A;
const SHARES = Array.from({length: SIZE}, (_, pixel) => {
  const place = pixel*(NODES - 1)/(SIZE - 1), first = Math.min(NODES - 2, Math.floor(place)), t = place - first, row = new Array(NODES).fill(0);
  [far(t + 1), near(t), near(1 - t), far(2 - t)].forEach((share, i) => row[Math.min(NODES - 1, Math.max(0, first + i - 1))] += share);
  return row;
});

// where in the old image a place in the new one comes from, both in pixels; `nodes` are 50 numbers from -1 to 1, 25 of them for x
function source(row, column, {rotate, right, down, zoom, slant, bend, nodes}) {
  const scale = 1 - zoom, angle = -rotate*Math.PI/180, [cos, sin] = [Math.cos(angle)*scale, Math.sin(angle)*scale];
  const x = column - 13.5, y = row - 13.5;
  const inRow = start => SHARES[column].reduce((sum, share, j) => sum + share*nodes[start + j], 0);
  const bent = start => SHARES[row].reduce((sum, share, i) => sum + share*inRow(start + NODES*i), 0)*bend;
  return [cos*x + (cos*slant - sin)*y - right + bent(0) + 13.5, sin*x + (sin*slant + cos)*y - down + bent(25) + 13.5];
}

// the four pixels around each of these places, weighted by how close they are; outside the image there's no ink
function augment(image, amounts) {
  const ink = (row, column) => row < 0 || column < 0 || row >= SIZE || column >= SIZE ? 0 : image[row*SIZE + column];
  return image.map((_, i) => {
    const [x, y] = source(i/SIZE | 0, i % SIZE, amounts), [left, top] = [Math.floor(x), Math.floor(y)], [a, b] = [x - left, y - top];
    return (1 - b)*((1 - a)*ink(top, left) + a*ink(top, left + 1)) + b*((1 - a)*ink(top + 1, left) + a*ink(top + 1, left + 1));
  });
}

const random = randomNumbers(37), upTo = most => (2*random() - 1)*most;
const newNodes = () => Array.from({length: 2*NODES*NODES}, () => upTo(1));
let amounts = {...Object.fromEntries(Object.keys(SLIDERS).map(name => [name, 0])), nodes: newNodes()};

// lines over the old image: every third row and column of the new one
function grid() {
  const lines = Array.from({length: 10}, (_, i) => 3*i), all = Array.from({length: SIZE}, (_, i) => i);
  const path = places => `M${places.map(([x, y]) => `${(x + .5).toFixed(2)} ${(y + .5).toFixed(2)}`).join('L')}`;
  return lines.map(k => path(all.map(i => source(k, i, amounts))) + path(all.map(i => source(i, k, amounts)))).join('');
}

function draw() {
  const colors = ['paper', 'ink', 'ink'].map(color), lines = grid();
  const verdicts = DIGITS.map(digit => {
    const changed = augment(images[digit], amounts), {probability} = tinyNetwork(changed, weights);
    const [says, sure] = probability > .5 ? ['3', probability] : ['7', 1 - probability];
    paint(byId(`old${digit}`), images[digit], ink => blueOrange(ink, colors));
    paint(byId(`new${digit}`), changed, ink => blueOrange(ink, colors));
    byId(`grid${digit}`).setAttribute('d', lines);
    byId(`says${digit}`).innerHTML = `Tiny network: a <b class="${says === '3' ? 'three' : 'seven'}">${says}</b>, ${fixed(100*sure, 1)}%`
      + (says === digit ? '' : '. <b>Wrong!</b>');
    return {right: says === digit, guess: sure < .6};
  });
  for (const [name, [, , , , said]] of Object.entries(SLIDERS)) {
    byId(name).value = toSlider(name, amounts[name]);
    byId(`${name}Said`).textContent = said(amounts[name]);
    byId(name).setAttribute('aria-valuetext', said(amounts[name]));
  }
  return verdicts;
}

function update(change) {
  amounts = {...amounts, ...change};
  const [seven, three] = draw(), names = Object.keys(SLIDERS), far = Object.entries(SLIDERS).filter(([name, [, , most]]) => Math.abs(amounts[name]) > most + 1e-9);
  const beyond = far.map(([, [label]]) => label).join(', ');
  const who = seven.right && three.right ? 'still gets both right'
    : seven.right ? 'takes the 3 for a 7' : three.right ? 'takes the 7 for a 3' : 'gets both wrong';
  const guess = seven.guess && three.guess ? ' It\'s only guessing now.'
    : seven.guess ? ' With the 7, it\'s only guessing now.' : three.guess ? ' With the 3, it\'s only guessing now.' : '';
  const where = beyond ? `Beyond what it saw in training: ${beyond}.` : 'All your changes are within the range it saw in training.';
  if (names.every(name => amounts[name] === 0)) say('<strong>The network gets both right.</strong> Move a slider.');
  else say(`<strong>The network ${who}.${guess}</strong> ${where} Can you still read them?`);
}

byId('sliders').innerHTML = Object.entries(SLIDERS).map(([name, [label, most, trained, step]]) => {
  const high = toSlider(name, most), low = name === 'bend' ? 0 : -high;
  const [left, right] = [-trained, trained].map(amount => 100*(Math.max(low, toSlider(name, amount)) - low)/(high - low));
  return `<label class="slide">${label}<input type="range" id="${name}" min="${low}" max="${high}" step="${step}">`
    + `<output id="${name}Said" for="${name}"></output><span class="band"><i style="margin-left: ${left}%; width: ${right - left}%"></i></span></label>`;
}).join('');
byId('changed').innerHTML = DIGITS.map(digit => `<figure><figcaption>The ${digit}, changed</figcaption>
  <canvas id="new${digit}" role="img" aria-label="The ${digit}, changed"></canvas><p id="says${digit}"></p></figure>`).join('');
byId('originals').innerHTML = DIGITS.map(digit => `<figure><figcaption>A ${digit}, unchanged</figcaption>
  <div class="frame"><canvas id="old${digit}" role="img" aria-label="The ${digit} unchanged"></canvas>
    <svg viewBox="0 0 28 28" aria-hidden="true"><path class="grid" id="grid${digit}"/></svg></div></figure>`).join('');

byId('sliders').addEventListener('input', ({target}) => update({[target.id]: fromSlider(target.id, +target.value)}));
byId('reset').addEventListener('click', () => update(Object.fromEntries(Object.keys(SLIDERS).map(name => [name, 0]))));
byId('random').addEventListener('click', () => {
  const drawn = Object.entries(SLIDERS).map(([name, [, , most]]) => [name, name === 'bend' ? most : upTo(most)]);
  update({...Object.fromEntries(drawn), nodes: newNodes()});
});
onTheme(draw);
update({});

globalThis.page = {augment, images, amounts: () => amounts};
