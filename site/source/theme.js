// Colors for what is drawn on a canvas, and how a page gets along with the page that embeds it.

const probe = document.body.appendChild(document.createElement('i'));
probe.hidden = true;
let known = {};

// the color of a variable in page.css as [red, green, blue], in the light or the dark look, whichever is on
export function color(name) {
  if (!known[name]) {
    probe.style.color = `var(--${name})`;
    known[name] = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  }
  return known[name];
}

// from `paper` at 0 to `seven` at -1 and `three` at 1
export function blueOrange(value, [paper, seven, three] = ['paper', 'seven', 'three'].map(color)) {
  const full = value > 0 ? three : seven, share = Math.min(1, Math.abs(value));
  return paper.map((level, i) => level + (full[i] - level)*share);
}

const dark = matchMedia('(prefers-color-scheme: dark)');
function look(name) {
  document.documentElement.dataset.look = name;
  known = {};
}
look(dark.matches ? 'dark' : 'light');

// call `redraw` when the look changes; a page that embeds this one tells it which look it has, and is told how tall this one is
export function onTheme(redraw) {
  const tell = () => parent.postMessage({height: document.documentElement.offsetHeight}, '*');
  function change(name) {
    look(name);
    redraw();
  }
  dark.addEventListener('change', () => change(dark.matches ? 'dark' : 'light'));
  addEventListener('message', ({data}) => {
    if (data?.theme !== 'light' && data?.theme !== 'dark') return;
    change(data.theme);
    tell();
  });
  if (parent !== window) new ResizeObserver(tell).observe(document.documentElement);
}
