// What the four pages to play with have in common.

export const byId = id => document.getElementById(id);
export const data = JSON.parse(byId('data').textContent);
export const calm = matchMedia('(prefers-reduced-motion: reduce)');

// numbers as the notebooks print them, with a real minus sign
export const fixed = (value, digits = 2) => value.toFixed(digits).replace(/^-(?=0\.?0*$)/, '').replace('-', '−');

// the verdict, which a screen reader speaks when it changes
export function say(html) { if (byId('verdict').said !== html) byId('verdict').innerHTML = byId('verdict').said = html; }

// a button that calls `step` again and again, `wait()` milliseconds apart, until `step` returns false or the button is pressed once more
export function player(button, wait, step) {
  const name = button.textContent;
  let timer = 0;
  function stop() {
    clearTimeout(timer);
    timer = 0;
    button.textContent = name;
  }
  function tick() { if (step()) timer = setTimeout(tick, wait()); else stop(); }
  function play() {
    stop();
    button.textContent = 'Pause';
    timer = setTimeout(tick, wait());
  }
  button.addEventListener('click', () => timer ? stop() : play());
  return {play, stop, playing: () => timer > 0};
}

// random numbers from 0 to 1, the same ones for the same seed: a linear congruential generator, whose first numbers are too much alike
export function randomNumbers(seed) {
  let state = Math.imul(seed + 1, 0x9E3779B1);
  const next = () => (state = Math.imul(state, 1664525) + 1013904223 | 0, (state >>> 0)/2**32);
  for (let i = 0; i < 5; i++) next();
  return next;
}

// what the arrow keys ask for, as [right, down], or nothing for other keys
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
export function onArrows(element, move) {
  element.addEventListener('keydown', event => {
    if (!ARROWS[event.key]) return;
    event.preventDefault();
    move(...ARROWS[event.key]);
  });
}

// a pointer that goes down on `area` takes `handle` there and drags it: `move` is told each place
export function onDrag(area, move, handle = area) {
  area.addEventListener('pointerdown', event => {
    event.preventDefault();
    handle.focus({preventScroll: true});
    area.setPointerCapture(event.pointerId);
    move(event);
  });
  area.addEventListener('pointermove', event => area.hasPointerCapture(event.pointerId) && move(event));
}
