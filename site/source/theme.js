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

// a color between two others
export const mix = (low, high, share) => low.map((level, i) => level + (high[i] - level)*share);

// from `paper` at 0 to `seven` at -1 and `three` at 1
export function blueOrange(value, [paper, seven, three] = ['paper', 'seven', 'three'].map(color)) {
  return mix(paper, value > 0 ? three : seven, Math.min(1, Math.abs(value)));
}

// a canvas with one pixel per value, in rows of so many columns; null leaves a gap. The page's style makes it larger
export function paint(canvas, values, colorOf, columns = Math.sqrt(values.length)) {
  Object.assign(canvas, {width: columns, height: values.length/columns});
  const image = new ImageData(canvas.width, canvas.height);
  values.forEach((value, i) => value !== null && image.data.set([...colorOf(value, i), 255], 4*i));
  canvas.getContext('2d').putImageData(image, 0, 0);
  return canvas;
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
