// XOR with one layer of hidden activations, as in lesson 04, trained with gradients by hand.

import {blueOrange, color, onTheme, paint} from './theme.js';
import {sigmoid} from './models.js';
import {byId, calm, fixed, player, randomNumbers, say} from './play.js';

const POINTS = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]];  // x, y, target
const STEPS = 300, LR = .5, MOMENTUM = .9, STARTS = 500, GRID = 100;

// weights and biases from −1/√inputs to 1/√inputs, as in nn.Linear; starts are counted from 1, and seeds from 0
function init(width, start) {
  const random = randomNumbers(start - 1), row = (n, inputs) => Array.from({length: n}, () => (2*random() - 1)/Math.sqrt(inputs));
  return {w1: row(2*width, 2), b1: row(width, 2), w2: row(width, width), b2: row(1, width)};
}

function forward({w1, b1, w2, b2}, x, y) {
  const units = b1.map((bias, i) => Math.max(0, w1[2*i]*x + w1[2*i + 1]*y + bias));
  return {units, score: units.reduce((sum, unit, i) => sum + unit*w2[i], b2[0])};
}

// the mean of binary cross-entropy over the four points, and its gradient
function backward(net) {
  const zeros = values => values.map(() => 0), grad = {w1: zeros(net.w1), b1: zeros(net.b1), w2: zeros(net.w2), b2: [0]};
  let loss = 0;
  for (const [x, y, target] of POINTS) {
    const {units, score} = forward(net, x, y), slope = (sigmoid(score) - target)/4;
    loss += (Math.max(0, score) - target*score + Math.log1p(Math.exp(-Math.abs(score))))/4;
    grad.b2[0] += slope;
    units.forEach((unit, i) => {
      if (unit === 0) return;  // the slope of a ReLU is 0 here, and that of its weight, too
      const back = slope*net.w2[i];
      grad.w2[i] += slope*unit;
      grad.b1[i] += back;
      grad.w1[2*i] += back*x;
      grad.w1[2*i + 1] += back*y;
    });
  }
  return {loss, grad};
}

// one step of SGD with momentum: changes `net` and `speed`, and returns the loss before it
function step(net, speed) {
  const {loss, grad} = backward(net);
  for (const name in net) net[name].forEach((_, i) => {
    speed[name][i] = MOMENTUM*(speed[name][i] ?? 0) + grad[name][i];
    net[name][i] -= LR*speed[name][i];
  });
  return loss;
}

const isOff = (net, unit) => POINTS.every(([x, y]) => forward(net, x, y).units[unit] === 0);
const still = () => ({w1: [], b1: [], w2: [], b2: []});
const right = (net, [x, y, target]) => forward(net, x, y).score > 0 === target > 0;
const solves = net => POINTS.every(point => right(net, point));
function train(net) {
  const speed = still(), losses = [];
  for (let i = 0; i < STEPS; i++) losses.push(step(net, speed));
  return losses;
}

let start = 1, net, speed, losses;

// the part of the line a·x + b·y + c = 0 within the picture, and a tick from its middle to where that's above 0; nothing if it's outside
function kink(a, b, c) {
  const ends = [-.5, 1.5].flatMap(side => [[side, -(a*side + c)/b], [-(b*side + c)/a, side]])
    .filter(([x, y]) => Math.max(Math.abs(x - .5), Math.abs(y - .5)) < 1 + 1e-9);
  if (ends.length < 2) return '';
  const [[x1, y1], [x2, y2]] = ends, length = Math.hypot(a, b), [x, y] = [(x1 + x2)/2, (y1 + y2)/2];
  return `M${x1} ${1 - y1}L${x2} ${1 - y2}M${x} ${1 - y}l${.08*a/length} ${-.08*b/length}`;
}

function drawSurface() {
  const colors = ['paper', 'seven', 'three'].map(color), at = i => -.5 + 2*(i + .5)/GRID;
  const chances = Array.from({length: GRID*GRID}, (_, i) => sigmoid(forward(net, at(i % GRID), 1 - at(i/GRID | 0)).score));
  paint(byId('surface'), chances, chance => blueOrange(.6*(2*chance - 1), colors));
  const places = net.b1.map((bias, i) => kink(net.w1[2*i], net.w1[2*i + 1], bias)), outside = places.filter(place => !place).length;
  const lines = places.map((place, i) => `<path class="kink ${isOff(net, i) ? 'off' : ''}" d="${place}"/>`);
  byId('outside').textContent = `${outside || 'None'} of the ${places.length} lines ${outside > 1 ? 'are' : 'is'} outside the picture.`;
  byId('over').innerHTML = `<g transform="scale(100)">${lines.join('')}` + POINTS.map(point => {
    const [x, y, target] = point, place = `cx="${x}" cy="${1 - y}"`;
    return (right(net, point) ? '' : `<circle class="wrong" ${place} r=".11"/>`)
      + (target ? `<circle class="point true" ${place} r=".07"/>` : `<path class="point false" d="M${x - .065} ${1 - y - .065}h.13v.13h-.13z"/>`);
  }).join('') + '</g>'
    + POINTS.map(([x, y]) => `<text x="${100*x}" y="${100*(1 - y) + 21}" text-anchor="middle">(${x}, ${y})</text>`).join('');
}

function drawLosses() {
  const width = byId('losses').clientWidth, x = i => 34 + i/STEPS*(width - 40), y = loss => 145 - Math.min(1, loss)*130;
  const level = loss => `<path class="axis" d="M34 ${y(loss)}H${width}"/><text x="28" y="${y(loss) + 4}" text-anchor="end">${loss}</text>`;
  byId('losses').innerHTML = [0, .5, 1].map(level).join('')
    + [0, 100, 200, 300].map(i => `<text x="${x(i)}" y="164" text-anchor="${i < STEPS ? 'middle' : 'end'}">${i}</text>`).join('')
    + `<path class="path" d="M${losses.map((loss, i) => `${x(i).toFixed(1)} ${y(loss).toFixed(1)}`).join('L') || '0 0'}"/>`;
}

function draw() {
  const n = POINTS.filter(point => right(net, point)).length, {loss} = backward(net), off = net.b1.filter((_, i) => isOff(net, i)).length;
  drawSurface();
  drawLosses();
  byId('step').disabled = losses.length === STEPS;
  byId('title').textContent = `Start ${start} · step ${losses.length} of ${STEPS} · loss ${fixed(loss, 3)}`;
  byId('surface').setAttribute('aria-label', `What a network of ${net.b1.length} hidden activations predicts in and around the four points: ${n} of 4 right`);
  byId('losses').setAttribute('aria-label', `The loss in ${losses.length} steps: ${fixed(loss, 3)} now`);
  const dead = off ? ` ${off} of its activations ${off === 1 ? 'gives' : 'give'} 0 at all four points, and can't learn anymore.` : '';
  if (losses.length < STEPS) say(losses.length ? 'It\'s learning…' : 'Before you press Play: do you think it will get all four right?');
  else if (n === 4) say('<strong>All four right.</strong> No straight line could do that.');
  else say(`<strong>${n} of 4.</strong> It didn't get there.${dead} Try another start, or more activations.`);
}

const learning = player(byId('play'), () => 20, () => {
  if (losses.length === STEPS) restart(); else losses.push(step(net, speed));
  draw();
  return losses.length < STEPS;
});

function restart() { [net, speed, losses] = [init(+byId('width').value, start), still(), []]; }

function begin(next) {
  learning.stop();
  start = next;
  byId('units').textContent = byId('width').value;
  restart();
  draw();
}

// one row for each width: how many of the starts solve it
function count(width) {
  let solved = 0;
  for (let start = 1; start <= STARTS; start++) {
    const net = init(width, start);
    train(net);
    solved += solves(net);
  }
  byId('starts').insertAdjacentHTML('beforeend', `<tr><th scope="row">${width}</th>
    <td><div class="bar"><i style="width: ${100*solved/STARTS}%"></i></div></td><td>${solved}</td></tr>`);
  const fail = `With two, training fails ${STARTS - solved} times, although two can be enough. The hard part is finding the weights.`;
  if (width === 2) byId('counted').textContent = fail;
  if (width < 8) setTimeout(count, 0, width + 1);
}

byId('width').addEventListener('input', () => begin(start));
byId('step').addEventListener('click', () => { learning.stop(); losses.push(step(net, speed)); draw(); });
byId('reset').addEventListener('click', () => begin(start));
byId('another').addEventListener('click', () => { begin(start + 1); calm.matches || learning.play(); });
byId('count').addEventListener('click', () => { byId('count').disabled = true; count(2); });
new ResizeObserver(drawLosses).observe(byId('losses'));
onTheme(draw);
begin(1);

globalThis.page = {init, train, solves};
