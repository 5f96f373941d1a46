// Gradient descent on the two curves of lesson 02, step by step.

import {onTheme} from './theme.js';
import {byId, data, fixed, onArrows, onDrag, player, say} from './play.js';

const mean = values => values.reduce((a, b) => a + b)/values.length;
const quadratic = ([a, b, c], t) => a*t*t + b*t + c;
const misses = params => data.speed.map((reading, t) => quadratic(params, t) - reading);

// `lowest` is the loss at the very bottom; `x` and `y` are what the picture shows, and on both curves x is the first parameter
const CURVES = {
  parabola: {
    loss: ([x]) => x*x, gradient: ([x]) => [2*x], lowest: 0, first: [3], steps: 12, wait: 300, x: [-6.5, 6.5], y: [0, 42.25],
    rates: [.01, 1.1, .01, .25], rate: lr => lr.toFixed(2), name: 'x', title: 'The square of x',
  },
  coaster: {
    loss: params => mean(misses(params).map(miss => miss*miss)),
    gradient: params => [2, 1, 0].map(power => mean(misses(params).map((miss, t) => 2*miss*t**power))),
    lowest: data.lowest, first: data.params, steps: 100, wait: 60, x: [-.3, .7], y: [0, 8000],
    rates: [1e-6, 1e-4, 1e-6, 1e-5], rate: lr => lr.toFixed(6), name: 'a', title: 'The loss, seen from a',
  },
};

// the parameters at the start and after each step
function descend(name, first, lr, steps) {
  const path = [first];
  for (let i = 0; i < steps; i++) {
    const slopes = CURVES[name].gradient(path[i]);
    path.push(path[i].map((param, k) => param - lr*slopes[k]));
  }
  return path;
}

// how much of the loss is left at each step, as a share of what there was at the start
function shares({loss, lowest}, path) {
  const above = path.map(params => loss(params) - lowest);
  return above.map(left => above[0] > 0 ? left/above[0] : 0);
}

function verdict(name, path) {
  const left = shares(CURVES[name], path).at(-1), slopes = path.map(params => CURVES[name].gradient(params)[0]);
  if (left > 1 + 1e-9) return 'leaves';
  if (left <= .01) return 'arrives';
  const jumps = slopes.filter((slope, i) => i && slope*slopes[i - 1] < 0).length;
  return jumps > (path.length - 1)/2 ? 'bounces' : 'crawls';
}

let name = 'parabola', curve, start, path, last, taken = 0;  // `last` is the step where it stops
const now = () => path[taken];
// whether it's outside the picture by more than its width
const isFar = ({x: [low, high]}, [first]) => Math.abs(first - (low + high)/2) > 1.5*(high - low);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// from numbers to places in a picture
function scale([low, high], from, to) { return value => from + (value - low)/(high - low)*(to - from); }
const line = points => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}`;
const text = (x, y, words, anchor = 'middle') => `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;
const range = ([low, high], n) => Array.from({length: n + 1}, (_, i) => low + (high - low)*i/n);

function drawHill() {
  const width = byId('hill').clientWidth, bottom = 310, x = scale(curve.x, 16, width - 16), y = scale(curve.y, bottom, 20);
  const at = params => [x(params[0]), y(curve.loss(params))], rest = now().slice(1), [px, py] = at(now());
  const slope = curve.gradient(now())[0], tangent = side => [x(now()[0] + side), y(curve.loss(now()) + side*slope)];
  const [[x1, y1], [x2, y2]] = [-1, 1].map(tangent), reach = 60/Math.hypot(x2 - px, y2 - py);
  const outside = px < 0 ? '← out of the picture' : px > width ? 'out of the picture →' : py < 0 ? 'out of the picture ↑' : '';
  const ticks = name === 'parabola' ? [-6, -4, -2, 0, 2, 4, 6] : [-.2, 0, .2, .4, .6];
  byId('plot').innerHTML = `<path class="axis" d="M0 ${bottom}H${width}"/>`
    + ticks.map(tick => text(x(tick), bottom + 18, fixed(tick, name === 'parabola' ? 0 : 1))).join('')
    + text(width - 2, bottom + 18, curve.name, 'end')
    + `<path class="curve" d="${line(range(curve.x, 120).map(value => at([value, ...rest])))}"/>`
    + `<path class="slope" d="${line([[px + reach*(x1 - px), py + reach*(y1 - py)], [px + reach*(x2 - px), py + reach*(y2 - py)]])}"/>`
    + `<path class="path" d="${line(path.slice(0, taken + 1).map(at))}"/>`
    + path.slice(1, taken + 1).map(params => `<circle class="dot" r="3.5" cx="${at(params)[0]}" cy="${at(params)[1]}"/>`).join('')
    + (taken ? `<circle class="start" r="6" cx="${at(path[0])[0]}" cy="${at(path[0])[1]}"/>` : '')
    + text(2, 12, 'loss', 'start') + text(width/2, 34, outside);
  byId('ball').classList.toggle('away', outside);
  byId('ball').setAttribute('cx', clamp(px, 12, width - 12));
  byId('ball').setAttribute('cy', clamp(py, 12, bottom));
}

function drawLosses() {
  const width = byId('losses').clientWidth, bottom = byId('losses').clientHeight - 25;
  const x = scale([0, curve.steps], 52, width - 14), height = scale([-4, 1.5], bottom, 10);
  const y = share => height(Math.log10(Math.max(share, 1e-9)));
  const points = shares(curve, path.slice(0, taken + 1)).map((share, i) => [x(i), y(share)]), size = name === 'parabola' ? 3 : 1.5;
  const level = (share, kind) => `<path class="${kind}" d="M52 ${y(share)}H${width}"/>` + text(46, y(share) + 4, `${+(100*share).toFixed(2)}%`, 'end');
  byId('losses').innerHTML = [1, .01].map(share => level(share, 'slope')).join('') + [.1, .001, .0001].map(share => level(share, 'axis')).join('')
    + text(width, y(1) - 5, 'same as at the start', 'end') + text(width, y(.01) - 5, 'arrived', 'end')
    + [0, curve.steps/2, curve.steps].map(i => text(x(i), bottom + 21, i)).join('') + text(x(curve.steps/4), bottom + 21, 'steps')
    + `<svg height="${bottom + 3}"><path class="path" d="${line(points)}"/>`
    + points.map(([px, py]) => `<circle class="dot" r="${size}" cx="${px}" cy="${py}"/>`).join('') + '</svg>';
}

function drawRide() {
  const width = byId('ride').clientWidth, x = scale([0, 19], 34, width - 10), y = scale([-30, 90], 150, 5);
  byId('ride').innerHTML = [0, 50].map(speed => `<path class="axis" d="M34 ${y(speed)}H${width}"/>` + text(28, y(speed) + 4, speed, 'end')).join('')
    + [0, 5, 10].map(t => text(x(t), 168, t)).join('') + text(width - 2, 168, 'time in s', 'end') + text(2, 12, 'speed', 'start')
    + data.speed.map((reading, t) => `<circle class="reading" r="3" cx="${x(t)}" cy="${y(reading)}"/>`).join('')
    + `<path class="path" d="${line(range([0, 19], 60).map(t => [x(t), y(quadratic(now(), t))]))}"/>`;
}

const short = value => fixed(value, name === 'parabola' ? 2 : Math.abs(value) < 10 ? 3 : 0);

// how much of the loss is left, in words
function howMuch(share) {
  if (share >= 100) return 'more than 100 times the loss';
  if (share >= 2) return `${Math.round(share)} times the loss`;
  return `${share < 1e-4 ? 'less than 0.01' : share < .1 ? (100*share).toFixed(2) : Math.round(100*share)}% of the loss`;
}

function describe() {
  const left = howMuch(shares(curve, path)[taken]), done = taken === last, word = verdict(name, path);
  const where = isFar(curve, now()) ? 'far away' : `${curve.name} = ${short(now()[0])}, loss ${short(curve.loss(now()))}`;
  const why = name === 'coaster' && word === 'crawls' ? ' a is at the bottom, but b and c have hardly moved.' : '';
  say(done ? `<strong>It ${word}.</strong> After ${taken} step${taken === 1 ? '' : 's'}, there's ${left} that we started with.${why}`
    : taken ? 'Off it goes!' : 'Before you press Play: will it crawl, arrive, bounce or leave?');
  for (const rule of byId('rules').children) rule.setAttribute('aria-current', done && rule.id === word);
  byId('step').disabled = done;
  byId('title').textContent = `${curve.title} · step ${taken} of ${curve.steps} · ${where}`;
  byId('plot').setAttribute('aria-label', `A curve with a ball on it. Step ${taken} of ${curve.steps}: ${where}`);
  byId('losses').setAttribute('aria-label', `After step ${taken}, ${left} at the start`);
  byId('ride').setAttribute('aria-label', `20 readings of the speed, and the quadratic with a, b, c = ${now().map(short).join(', ')}`);
  const [low, high] = curve.x, ball = {valuemin: low, valuemax: high, valuenow: clamp(now()[0], low, high), valuetext: where};
  for (const [key, value] of Object.entries(ball)) byId('ball').setAttribute(`aria-${key}`, value);
}

function draw() {
  drawHill();
  drawLosses();
  if (name === 'coaster') drawRide();
  describe();
}

const rolling = player(byId('play'), () => curve.wait, () => {
  taken = (taken + 1) % (last + 1);  // from the end, back to the start
  draw();
  return taken < last;
});

// put the ball back to `first`, with the learning rate as it is now
function restart(first = start) {
  rolling.stop();
  [start, taken] = [first, 0];
  path = descend(name, start, +byId('rate').value, curve.steps);
  last = path.findIndex((params, i) => i === curve.steps || isFar(curve, params));
  path.length = last + 1;
  byId('shown').textContent = curve.rate(+byId('rate').value);
  draw();
}

function choose(chosen) {
  [name, curve] = [chosen, CURVES[chosen]];
  ['min', 'max', 'step', 'value'].forEach((key, i) => byId('rate')[key] = curve.rates[i]);
  byId('readings').hidden = byId('about').hidden = name !== 'coaster';
  for (const other in CURVES) byId(`why-${other}`).hidden = other !== name;
  restart(curve.first);
}

const startAt = x => restart([clamp(x, ...curve.x), ...curve.first.slice(1)]);

function startUnder(event) {
  const box = byId('hill').getBoundingClientRect();
  startAt(curve.x[0] + (event.clientX - box.left - 16)/(box.width - 32)*(curve.x[1] - curve.x[0]));
}

byId('curves').addEventListener('change', event => choose(event.target.value));
byId('rate').addEventListener('input', () => restart());
byId('step').addEventListener('click', () => { rolling.stop(); taken++; draw(); });
byId('reset').addEventListener('click', () => restart());
onArrows(byId('ball'), (right, down) => startAt(now()[0] + (right - down)*(curve.x[1] - curve.x[0])/130));
onDrag(byId('ball'), startUnder);
byId('hill').addEventListener('click', startUnder);
new ResizeObserver(draw).observe(byId('hill'));
onTheme(draw);
choose('parabola');

globalThis.page = {first: data.params, descend, verdict, loss: (name, params) => CURVES[name].loss(params)};
