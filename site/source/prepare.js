// From pen strokes to 28×28 pixels. A stroke is a list of points [x, y]; both go from 0 to 1 across the drawing area, so neither
// the size of the window nor the density of its pixels can change an image.

const RADIUS = 1.2;  // of the pen, in pixels of 28: MNIST's strokes are usually about 2.4 pixels wide
const BOX = 20;  // MNIST's digits fill a box of 20×20

// ink at each pixel of a `rows`×`columns` image; x, y are places in pixels. A pixel that the edge of the pen crosses is gray
function draw(strokes, rows, columns) {
  const image = new Array(rows*columns).fill(0);
  for (const points of strokes) points.forEach(([x2, y2], i) => {
    const [x1, y1] = points[Math.max(0, i - 1)], dx = x2 - x1, dy = y2 - y1, length = dx*dx + dy*dy, reach = RADIUS + 1;
    const [top, left] = [Math.min(y1, y2), Math.min(x1, x2)].map(low => Math.max(0, Math.floor(low - reach)));
    const bottom = Math.min(rows - 1, Math.ceil(Math.max(y1, y2) + reach)), right = Math.min(columns - 1, Math.ceil(Math.max(x1, x2) + reach));
    for (let row = top; row <= bottom; row++) for (let column = left; column <= right; column++) {
      const px = column + .5 - x1, py = row + .5 - y1, along = length ? Math.min(1, Math.max(0, (px*dx + py*dy)/length)) : 0;
      const ink = RADIUS + .5 - Math.hypot(px - along*dx, py - along*dy);
      image[row*columns + column] = Math.max(image[row*columns + column], Math.min(1, ink));
    }
  });
  return image;
}

// first and last x and y
export function bounds(strokes) {
  const box = [Infinity, -Infinity, Infinity, -Infinity];
  for (const points of strokes) for (const [x, y] of points) {
    box[0] = Math.min(box[0], x); box[1] = Math.max(box[1], x);
    box[2] = Math.min(box[2], y); box[3] = Math.max(box[3], y);
  }
  return box;
}

// the drawing area itself, made small
export const asDrawn = strokes => draw(strokes.map(points => points.map(([x, y]) => [28*x, 28*y])), 28, 28);

// the drawing, larger or smaller, so that it fills the box, and moved so that its center of mass is on pixel 14; and where the box is
export function asMnist(strokes) {
  const [x1, x2, y1, y2] = bounds(strokes), scale = (BOX - 2*RADIUS)/Math.max(x2 - x1, y2 - y1);
  const columns = Math.ceil((x2 - x1)*scale + 2*RADIUS - 1e-9), rows = Math.ceil((y2 - y1)*scale + 2*RADIUS - 1e-9);
  const box = draw(strokes.map(points => points.map(([x, y]) => [(x - x1)*scale + RADIUS, (y - y1)*scale + RADIUS])), rows, columns);
  const ink = box.reduce((a, b) => a + b);
  const corner = [[rows, i => i/columns | 0], [columns, i => i % columns]].map(([size, place]) => {
    const middle = box.reduce((sum, value, i) => sum + value*place(i), 0)/ink;
    return Math.min(Math.max(Math.round(14 - middle), 0), 28 - size);
  });
  const image = new Array(784).fill(0);
  box.forEach((value, i) => image[(corner[0] + (i/columns | 0))*28 + corner[1] + i % columns] = value);
  return {image, box: {left: corner[1], top: corner[0], columns, rows}};
}

// what can't be a digit, by the shape of the whole drawing: a dot, and what's four times as wide as it's tall. Lesson 07 asks the same of each part
export function isNoDigit(strokes) {
  const [x1, x2, y1, y2] = bounds(strokes), pen = 2*RADIUS/28;
  if (Math.max(x2 - x1, y2 - y1) < 1/20) return 'too small to be a digit';
  return x2 - x1 + pen >= 4*(y2 - y1 + pen) ? 'far wider than tall' : '';
}
