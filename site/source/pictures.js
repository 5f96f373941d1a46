// Small pictures made of numbers, with their captions.

import {blueOrange, color, mix, paint} from './theme.js';

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) key in made ? made[key] = value : made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function percent(share) {
  if (share > .9995) return 'over 99.9%';
  return share < .0005 ? 'under 0.1%' : `${(100*share).toFixed(1)}%`;
}

// scales that turn a number into a color: from nothing to much, from minus to plus, and from a vote for a 7 to one for a 3
export function gray(most = 1) {
  const [low, high] = ['paper', 'ink'].map(color);
  return value => mix(low, high, Math.min(1, value/most));
}
export function signed(most) {
  const [low, high] = ['paper', 'ink'].map(color);
  return value => mix(low, high, Math.min(1, Math.max(0, .5 + value/most/2)));
}
export function votes(most) {
  const colors = ['paper', 'seven', 'three'].map(color);
  return value => blueOrange(value/most, colors);
}

export const canvasOf = (values, columns, colorOf) => paint(element('canvas'), values, colorOf, columns);

export function picture(values, columns, colorOf, label, caption = '', size = 'medium') {
  const canvas = canvasOf(values, columns, colorOf);
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', label);
  return element('figure', {className: `picture ${size}`}, element('span', {className: 'frame'}, canvas), ...(caption ? [element('figcaption', {}, caption)] : []));
}

// a frame around some of a picture's pixels, in pixels
export function mark(figure, {left, top, columns, rows}, className = 'mark', side = 28) {
  const style = Object.entries({left, top, width: columns, height: rows}).map(([key, value]) => `${key}: ${100*value/side}%`).join('; ');
  figure.querySelector('.frame').append(element('i', {className, style}));
}

export function legend(...entries) {
  return element('ul', {className: 'legend'}, ...entries.map(([background, text]) => {
    return element('li', {}, element('i', {className: 'swatch', style: `background: ${background}`}), text);
  }));
}
export const INK = ['linear-gradient(to right, var(--paper), var(--ink))', '0 → large'];
export const SIGN = ['linear-gradient(to right, var(--paper), var(--ink))', 'negative → positive weight'];
export const MARK = ['var(--mark)', 'the pixel, and what it saw'];
export const THREE = ['var(--three)', 'votes for a 3'], SEVEN = ['var(--seven)', 'votes for a 7'];
