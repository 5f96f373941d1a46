// The drawing area: pointer events become strokes, and strokes become lines, sharp at any density of pixels.

export class Pen {
  constructor(canvas, changed) {
    Object.assign(this, {canvas, changed, strokes: [], sample: null, id: null});
    this.before = [];  // the strokes there were before each change
    canvas.addEventListener('pointerdown', event => this.down(event));
    canvas.addEventListener('pointermove', event => this.move(event));
    canvas.addEventListener('lostpointercapture', event => {  // up, or called away
      if (event.pointerId === this.id) this.id = null;
      changed();
    });
    addEventListener('resize', changed);
  }

  down(event) {
    if (this.id !== null || event.button || event.ctrlKey) return;  // one pen at a time, and only the main button
    event.preventDefault();
    this.canvas.focus({preventScroll: true});
    this.canvas.setPointerCapture(event.pointerId);
    this.before.push(this.strokes);
    Object.assign(this, {id: event.pointerId, strokes: [...this.strokes], sample: null, stroke: null});
    this.add(event);
    this.changed();
  }

  move(event) {
    if (event.pointerId !== this.id) return;
    const events = event.getCoalescedEvents?.() ?? [];  // where the pen has been since the last event
    for (const part of events.length ? events : [event]) this.add(part);
    this.changed();
  }

  // a stroke that leaves the drawing area ends there; when it comes back, it's a new one. Points closer than a tenth of a pixel of 28 add nothing
  add({clientX, clientY}) {
    const area = this.canvas.getBoundingClientRect();
    const point = [(clientX - area.left)/area.width, (clientY - area.top)/area.height];
    if (point.some(place => place < 0 || place > 1)) return this.stroke = null;
    if (!this.stroke) this.strokes.push(this.stroke = []);
    const [x, y] = this.stroke.at(-1) ?? [9, 9];
    if (Math.hypot(point[0] - x, point[1] - y) > .003) this.stroke.push(point);
  }

  // nothing, or a sample image, in place of the drawing, which undo brings back
  clear(sample = null) {
    if (this.strokes.length) this.before.push(this.strokes);
    Object.assign(this, {strokes: [], sample, id: null});
    this.changed();
  }

  undo() {
    if (this.before.length) Object.assign(this, {strokes: this.before.pop(), sample: null, id: null});
    this.changed();
  }

  // lines as thick as in the 28×28 image of what's drawn
  draw(context, size, ink) {
    Object.assign(context, {lineWidth: 2.4/28*size, lineCap: 'round', lineJoin: 'round', strokeStyle: ink});
    for (const points of this.strokes) {
      context.beginPath();
      for (const [x, y] of [points[0], ...points]) context.lineTo(x*size, y*size);  // a single point becomes a dot
      context.stroke();
    }
  }

  // the strokes, or the picture of a sample image, in a canvas with as many pixels as the screen has there
  show(ink, picture) {
    const size = Math.round(this.canvas.clientWidth*devicePixelRatio), context = this.canvas.getContext('2d');
    if (this.canvas.width !== size) this.canvas.width = this.canvas.height = size;
    context.clearRect(0, 0, size, size);
    if (!picture) return this.draw(context, size, ink);
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, 0, 0, size, size);
  }
}
