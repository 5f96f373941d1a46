// The page itself: what's drawn goes through every model, and the page shows what they say.

import {color, onTheme} from './theme.js';
import {decode, disagreement, predictAll, range, receptiveField, unpack} from './models.js';
import {asDrawn, asMnist, isNoDigit} from './prepare.js';
import {Pen} from './pen.js';
import {canvasOf, element, gray, mark, percent, picture} from './pictures.js';
import {WHY} from './why.js';

const $ = id => document.getElementById(id);
const data = JSON.parse($('data').textContent);
const weights = unpack(data.weights);
const pixels = decode(data.pixels);
const samples = data.samples.map(([group, digit, resnet], i) => {
  return {group, digit, resnet, image: Array.from(pixels.subarray(784*i, 784*i + 784), byte => byte/255)};
});
const groups = [...new Set(samples.map(sample => sample.group))];
const names = Object.keys(WHY);
const pen = new Pen($('pad'), () => redraw());
const collection = [];
const LESSON = {'pixel similarity': '01', 'linear model, our SGD': '02', 'linear model, Learner': '03', 'small network': '04', resnet18: '05', 'tiny network': '06'};
let chosen = 'linear model, our SGD', waiting = false, slow = false, unsaved = false, speaking;

// what the models get: a sample as it is, or the drawing, prepared or not
function current(prepare = $('prepare').checked) {
  if (pen.sample) return {image: pen.sample.image};
  if (!pen.strokes.length) return {image: new Array(784).fill(0)};
  return prepare && !isNoDigit(pen.strokes) ? asMnist(pen.strokes) : {image: asDrawn(pen.strokes)};
}

// 3, 7, or nothing for neither, and why
function judge(found) {
  if (!pen.sample && !pen.strokes.length) return {text: 'Draw a 3 or a 7.', blank: true};
  const shape = pen.sample ? '' : isNoDigit(pen.strokes);
  if (shape) return {text: `Neither: ${shape}.`};
  const [low, high] = range(found).map(percent);
  if (disagreement(found) > data.limit) return {text: `Neither, perhaps. The trained models disagree: their lowest probability of a 3 is ${low}, and their highest ${high}.`};
  const p = found['tiny network'].probability, digit = p > .5 ? 3 : 7, sure = Math.max(p, 1 - p);
  return {digit, sure, text: sure < .8 ? `Perhaps a ${digit}. The tiny network is only ${percent(sure)} sure.` : `A ${digit}. The tiny network is ${percent(sure)} sure.`};
}

function showVerdict({digit, sure, text, blank}) {
  $('digit').textContent = digit ?? (blank ? '' : 'neither');
  $('digit').className = {3: 'three', 7: 'seven'}[digit] ?? '';
  $('digit').style.opacity = sure < .8 ? .75 : 1;
  $('verdict').textContent = text;
  clearTimeout(speaking);  // a screen reader says it once the pen has come to rest, and only what's new
  const spoken = pen.sample ? `${$('group').value}, ${$('sample').textContent}. ${text}` : text;
  speaking = setTimeout(() => { if ($('spoken').textContent !== spoken) $('spoken').textContent = spoken; }, 500);
}

function showModels(found, blank) {
  for (const name of names) {
    const [says, track] = document.querySelector(`[data-model="${name}"]`).querySelectorAll('td');
    const p = name === 'resnet18' ? pen.sample?.resnet : found[name].probability, none = blank || p === undefined;
    const digit = p > .5 ? 3 : 7;
    says.textContent = none ? (blank ? '–' : 'only samples') : `${digit}, ${percent(Math.max(p, 1 - p))}`;
    says.className = none ? 'soft' : {3: 'three', 7: 'seven'}[digit];
    track.firstChild.hidden = none;
    track.firstChild.firstChild.style.left = `${100*p}%`;
  }
}

function showSeen({image, box}) {
  const figure = picture(image, 28, gray(), 'What the models get: 28×28 pixels', '', 'large');
  if (box) mark(figure, box, 'box');
  if (box) mark(figure, {left: 14, top: 14, columns: 1, rows: 1}, 'center');
  $('seen').replaceChildren(figure);
  $('prepare').disabled = pen.sample !== null;
  $('prepared').textContent = pen.sample ? 'This image is prepared already.' : box ? 'Made 20 pixels tall or wide, and moved so that its ink balances on the dot, as in the training images.'
    : !$('prepare').checked ? 'The drawing area, made small. Draw near a corner, and see what that does.'
    : pen.strokes.length ? 'There\'s not enough to prepare, so this is the drawing area, made small.' : '28×28 pixels.';
}

function showWhy(seen, found, blank) {
  $('why-title').textContent = `Why? (${chosen})`;
  $('why').replaceChildren(...(blank ? ['Draw something, or choose a sample image.'] : WHY[chosen](seen.image, found[chosen], weights[chosen], pen.sample)));
}

function showControls() {
  const some = samples.filter(sample => sample.group === pen.sample?.group);
  $('sample').textContent = pen.sample ? `${some.indexOf(pen.sample) + 1} of ${some.length}: a ${pen.sample.digit}` : '';
  $('undo').disabled = !pen.before.length;
  for (const button of document.querySelectorAll('.add, #png')) button.disabled = !pen.strokes.length;
}

function update() {
  const began = performance.now(), seen = current(), found = predictAll(seen.image, weights), verdict = judge(found);
  waiting = false;
  pen.show(`rgb(${color('ink')})`, pen.sample && canvasOf(pen.sample.image, 28, gray()));
  showControls();
  showSeen(seen);
  showVerdict(verdict);
  showModels(found, verdict.blank);
  if (pen.id === null || !slow) showWhy(seen, found, verdict.blank);  // on a slow device, the reasons wait until the pen is up
  slow = performance.now() - began > 40;
}

// once for each picture that the screen shows, however many events there are
function redraw() {
  if (!waiting) requestAnimationFrame(update);
  waiting = true;
}

function showSample(step, group = $('group').value) {
  const some = samples.filter(sample => sample.group === group), place = some.indexOf(pen.sample);
  $('group').value = group;
  pen.clear(some[place < 0 ? (step < 0 ? some.length - 1 : 0) : (place + step + some.length) % some.length]);
}

function changeGroup(step) { showSample(0, groups[(groups.indexOf($('group').value) + step + groups.length) % groups.length]); }

const KEYS = {ArrowLeft: () => showSample(-1), ArrowRight: () => showSample(1), ArrowUp: () => changeGroup(-1), ArrowDown: () => changeGroup(1), Delete: () => pen.clear(), Backspace: () => pen.undo()};

function pressed(event) {
  const action = event.ctrlKey || event.metaKey ? event.key.toLowerCase() === 'z' && (() => pen.undo()) : KEYS[event.key];
  if (!action || event.altKey) return;
  action();
  event.preventDefault();
}

function download(name, blob) { element('a', {href: URL.createObjectURL(blob), download: name}).click(); }

// the drawings so far, as small pictures
function showCollection() {
  const shown = collection.map(({digit, pixels}, i) => {
    return picture(pixels.map(level => level/255), 28, gray(), `Drawing ${i + 1}: ${digit ?? 'neither'}`, digit ?? 'neither', 'small');
  });
  $('collected').replaceChildren(...shown);
  $('save').textContent = `Save ${collection.length} drawing${collection.length === 1 ? '' : 's'}`;
  $('save').disabled = $('remove').disabled = !collection.length;
}

function changeCollection(message, isSaved) {
  unsaved = collection.length && !isSaved;
  $('told').textContent = message;
  showCollection();
}

// prepared, whatever the switch says
function add(digit) {
  if (!pen.strokes.length) return;
  const strokes = pen.strokes.map(points => points.map(point => point.map(place => +place.toFixed(4))));
  collection.push({digit, strokes, pixels: current(true).image.map(ink => Math.round(255*ink))});
  pen.clear();
  pen.before = [];
  pen.canvas.focus({preventScroll: true});
  changeCollection('Added. Save before you close the page, or you\'ll lose your drawings.');
}

function remove() {
  collection.pop();
  changeCollection('Removed the last one.');
}

function save() {
  const text = JSON.stringify({format: 'mnist37 drawings', drawings: collection});
  download('drawings.json', new Blob([text], {type: 'application/json'}));
  changeCollection('Saved in drawings.json.', true);
}

function savePng() {
  const canvas = element('canvas', {width: 560, height: 560}), context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, 560, 560);
  pen.draw(context, 560, 'black');
  canvas.toBlob(blob => download('drawing.png', blob));
}

for (const name of names) {
  const radio = element('input', {type: 'radio', name: 'why', checked: name === chosen, onchange: () => { chosen = name; redraw(); }});
  const track = element('div', {className: 'track'}, element('i'));
  const label = element('label', {}, radio, element('span', {}, name, element('small', {}, `lesson ${LESSON[name]}`)));
  $('models').append(element('tr', {'data-model': name}, element('th', {scope: 'row'}, label), element('td'), element('td', {}, track)));
}
$('group').append(...groups.map(group => element('option', {}, group)));
for (const button of document.querySelectorAll('.add')) button.onclick = () => add(+button.value || null);
for (const [id, action] of Object.entries({undo: () => pen.undo(), clear: () => pen.clear(), save, remove, png: savePng, previous: () => showSample(-1), next: () => showSample(1)})) $(id).onclick = action;
$('group').onchange = () => showSample(0);
$('limit').textContent = data.limit;
$('prepare').onchange = redraw;
$('pad').onkeydown = pressed;
addEventListener('beforeunload', event => unsaved && event.preventDefault());
showCollection();
onTheme(() => {
  showCollection();
  redraw();
});

// for the console, and for the tests
globalThis.page = {pen, weights, samples, predictAll, disagreement, receptiveField, asMnist, current, update};
