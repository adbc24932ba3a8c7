// Drawing unions of products on a canvas, and colours.

import { bands } from "./network.js";

/** @typedef {{left: number, top: number, x: number, y: number}} Scale where pixel 0 is, and how wide and high one is */

/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Pen */

/** Rectangles up to which a union is filled one by one; more are painted pixel by pixel first. */
const MOST = 500;

/** The last two axes of products; a row for one axis. @param {number[][][]} products @returns {number[][][]} */
export function plane(products) {
  return products.map((product) => (product.length === 1 ? [[0, 0], product[0]] : product.slice(-2)));
}

/** @param {number[]} sizes @returns {[number, number]} */
export function planeSize(sizes) {
  return sizes.length === 1 ? [1, sizes[0]] : [sizes[sizes.length - 2], sizes[sizes.length - 1]];
}

/**
 * @param {number[][][]} products over two axes @returns {Array<[number, number, number, number]>} x, y, width, height
 */
function rectangles(products) {
  /** @type {Array<[number, number, number, number]>} */
  const found = [];
  for (const [rows, columns] of bands(products)) {
    for (let i = 0; i < rows.length; i += 2)
      for (let j = 0; j < columns.length; j += 2) {
        found.push([columns[j], rows[i], columns[j + 1] - columns[j] + 1, rows[i + 1] - rows[i] + 1]);
      }
  }
  return found;
}

/**
 * Fill a union in one colour. @param {Pen} context @param {number[][][]} products over two axes
 * @param {Scale} scale @param {string} fill @param {number} [grow] CSS pixels added on every side
 */
export function fillUnion(context, products, scale, fill, grow = 0) {
  const found = rectangles(products);
  context.fillStyle = fill;
  if (found.length > MOST && !grow) {
    fillPixels(context, found, scale, fill);
    return;
  }
  for (const [x, y, w, h] of found) {
    context.fillRect(
      scale.left + x * scale.x - grow,
      scale.top + y * scale.y - grow,
      w * scale.x + 2 * grow,
      h * scale.y + 2 * grow,
    );
  }
}

/**
 * @param {Pen} context @param {Array<[number, number, number, number]>} found @param {Scale} scale
 * @param {string} fill
 */
function fillPixels(context, found, scale, fill) {
  const [x0, y0] = [Math.min(...found.map((r) => r[0])), Math.min(...found.map((r) => r[1]))];
  const [x1, y1] = [Math.max(...found.map((r) => r[0] + r[2])), Math.max(...found.map((r) => r[1] + r[3]))];
  const small = new OffscreenCanvas(x1 - x0, y1 - y0);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (small.getContext("2d"));
  pen.fillStyle = fill;
  for (const [x, y, w, h] of found) pen.fillRect(x - x0, y - y0, w, h);
  context.imageSmoothingEnabled = false;
  context.drawImage(
    small,
    scale.left + x0 * scale.x,
    scale.top + y0 * scale.y,
    (x1 - x0) * scale.x,
    (y1 - y0) * scale.y,
  );
}

/**
 * Shade everything of an area but a union, and outline the union.
 * @param {CanvasRenderingContext2D} context @param {number[][][]} products over two axes @param {Scale} scale
 * @param {{left: number, top: number, width: number, height: number}} area in CSS pixels @param {string} shade
 * @param {string} line
 */
export function spotlight(context, products, scale, area, shade, line) {
  const density = context.getTransform().a;
  const layer = new OffscreenCanvas(Math.ceil(area.width * density), Math.ceil(area.height * density));
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (layer.getContext("2d"));
  const own = { ...scale, left: scale.left - area.left, top: scale.top - area.top };
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.fillStyle = shade;
  pen.fillRect(0, 0, area.width, area.height);
  if (rectangles(products).length <= MOST) fillUnion(pen, products, own, line, 2);
  pen.globalCompositeOperation = "destination-out";
  fillUnion(pen, products, own, "#000");
  context.drawImage(layer, area.left, area.top, area.width, area.height);
}

const CIVIDIS = [
  [0, 32, 77],
  [0, 51, 111],
  [57, 72, 107],
  [87, 93, 109],
  [112, 113, 115],
  [138, 134, 119],
  [166, 157, 117],
  [197, 181, 108],
  [229, 207, 92],
  [254, 232, 56],
];

/**
 * Cividis (Nuñez, Anderton & Renslow 2018), told apart with any colour vision.
 * @param {number} share 0 … 1 @returns {[number, number, number]}
 */
function cividis(share) {
  const at = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1);
  const low = Math.floor(at);
  const rest = at - low;
  const a = CIVIDIS[low];
  const b = CIVIDIS[Math.min(low + 1, CIVIDIS.length - 1)];
  const [red, green, blue] = [0, 1, 2].map((i) => Math.round(a[i] + (b[i] - a[i]) * rest));
  return [red, green, blue];
}

/** Okabe and Ito's colours for the designs, in their order; never the only sign. */
export const DESIGN_COLOURS = ["blue", "vermillion", "green", "purple", "orange", "sky"];

/**
 * A map of weights as a picture, one pixel a cell; the square root of the weight against the greatest.
 * @param {ArrayLike<number>} values @param {number} w @param {number} h @param {boolean} isOpaque
 * @returns {OffscreenCanvas}
 */
export function heat(values, w, h, isOpaque) {
  const canvas = new OffscreenCanvas(w, h);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = pen.createImageData(w, h);
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]);
  for (let i = 0; i < values.length; i++) {
    const share = most ? Math.sqrt(values[i] / most) : 0;
    const [r, g, b] = cividis(share);
    image.data.set([r, g, b, isOpaque ? 255 : Math.round(235 * Math.min(1, share * 1.6))], 4 * i);
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Lines around the cells above a level. @param {CanvasRenderingContext2D} context @param {ArrayLike<number>} values
 * @param {number} w @param {number} h @param {number} level @param {Scale} scale where cell 0 is
 */
export function contour(context, values, w, h, level, scale) {
  context.beginPath();
  for (const loop of loops(values, w, h, level)) {
    loop.forEach((corner, i) => {
      const x = scale.left + (corner % (w + 1)) * scale.x;
      const y = scale.top + Math.floor(corner / (w + 1)) * scale.y;
      if (i) context.lineTo(x, y);
      else context.moveTo(x, y);
    });
    context.closePath();
  }
  context.stroke();
}

/** Closed ways along the borders of cells above a level, as corners in turn; the cells lie on the right hand.
 *  @param {ArrayLike<number>} values @param {number} w @param {number} h @param {number} level @returns {number[][]} */
function loops(values, w, h, level) {
  /** @type {Map<number, number[]>} */
  const next = new Map();
  const isIn = (/** @type {number} */ y, /** @type {number} */ x) =>
    y >= 0 && x >= 0 && y < h && x < w && values[y * w + x] >= level;
  const add = (/** @type {number} */ from, /** @type {number} */ to) => {
    const known = next.get(from);
    if (known) known.push(to);
    else next.set(from, [to]);
  };
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      if (!isIn(y, x)) continue;
      const a = y * (w + 1) + x;
      const b = a + 1;
      const c = b + w + 1;
      const d = c - 1;
      if (!isIn(y - 1, x)) add(a, b);
      if (!isIn(y, x + 1)) add(b, c);
      if (!isIn(y + 1, x)) add(c, d);
      if (!isIn(y, x - 1)) add(d, a);
    }
  const found = [];
  for (const start of next.keys()) {
    const loop = [];
    for (let at = next.get(start)?.pop(); at !== undefined; at = next.get(at)?.pop()) loop.push(at);
    if (loop.length > 3) found.push(loop);
  }
  return found;
}
