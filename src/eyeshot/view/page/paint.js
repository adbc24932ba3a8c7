// Drawing unions of products on a canvas, and colours.

import { colour } from "./dom.js";
import { bands } from "./network.js";

/** @typedef {{left: number, top: number, x: number, y: number}} Scale where pixel 0 is, and how wide and high one is */

/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Pen */

/** How wide an outline is, in CSS pixels. */
const OUTLINE = 2;
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

/** @typedef {[x: number, y: number, width: number, height: number]} Rectangle */

/** @param {number[][][]} products over two axes @returns {Rectangle[]} */
function rectangles(products) {
  /** @type {Rectangle[]} */
  const all = [];
  for (const [rows, columns] of bands(products)) {
    for (let i = 0; i < rows.length; i += 2)
      for (let j = 0; j < columns.length; j += 2) {
        all.push([columns[j], rows[i], columns[j + 1] - columns[j] + 1, rows[i + 1] - rows[i] + 1]);
      }
  }
  return all;
}

/**
 * Fill a union in one colour.
 * @param {Pen} context @param {number[][][]} products over two axes @param {Scale} scale @param {string} fill
 */
export function fillUnion(context, products, scale, fill) {
  fillRectangles(context, rectangles(products), scale, fill);
}

/**
 * @param {Pen} context @param {Rectangle[]} all @param {Scale} scale @param {string} fill
 * @param {number} [grow] CSS pixels added on every side
 */
function fillRectangles(context, all, scale, fill, grow = 0) {
  context.fillStyle = fill;
  if (all.length > MOST) {
    fillPixels(context, all, scale, fill);
    return;
  }
  for (const [x, y, w, h] of all) {
    const [left, top] = [scale.left + x * scale.x - grow, scale.top + y * scale.y - grow];
    context.fillRect(left, top, w * scale.x + 2 * grow, h * scale.y + 2 * grow);
  }
}

/** @param {Pen} context @param {Rectangle[]} all @param {Scale} scale @param {string} fill */
function fillPixels(context, all, scale, fill) {
  const [x0, y0] = [Math.min(...all.map((r) => r[0])), Math.min(...all.map((r) => r[1]))];
  const [x1, y1] = [Math.max(...all.map((r) => r[0] + r[2])), Math.max(...all.map((r) => r[1] + r[3]))];
  const { canvas, pen } = blank(x1 - x0, y1 - y0);
  pen.fillStyle = fill;
  for (const [x, y, w, h] of all) pen.fillRect(x - x0, y - y0, w, h);
  context.imageSmoothingEnabled = false;
  const [left, top] = [scale.left + x0 * scale.x, scale.top + y0 * scale.y];
  context.drawImage(canvas, left, top, (x1 - x0) * scale.x, (y1 - y0) * scale.y);
}

/** A canvas that is not shown. @param {number} width @param {number} height */
function blank(width, height) {
  const canvas = new OffscreenCanvas(width, height);
  return { canvas, pen: /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")) };
}

/** Where the system has few colours, brightness is not the only sign. */
const highContrast = matchMedia("(forced-colors: active)");

/** Where shade and light are laid together; made once, since making a canvas takes longer than filling it. */
const overlay = blank(1, 1);

/** @typedef {{left: number, top: number, width: number, height: number}} Area in CSS pixels */

/**
 * Slanting lines over an area: what lies there is no question of brightness.
 * @param {Pen} context @param {Area} area @param {string} stroke
 */
export function hatch(context, { left, top, width, height }, stroke) {
  if (width <= 0) return;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.beginPath();
  for (let at = 6 - height; at < width; at += 6) {
    context.moveTo(left + at, top + height);
    context.lineTo(left + at + height, top);
  }
  context.strokeStyle = stroke;
  context.lineWidth = 1;
  context.stroke();
  context.restore();
}

/**
 * Shade everything of an area but a union, and outline the union, which may reach out of the area by the outline.
 * @param {CanvasRenderingContext2D} context @param {number[][][]} products over two axes @param {Scale} scale
 * @param {Area} area @param {string} shade @param {string} line
 */
export function spotlight(context, products, scale, area, shade, line) {
  const lit = rectangles(products);
  if (lit.length === 1 && !highContrast.matches) {
    around(context, lit[0], scale, area, shade, line);
    return;
  }
  const density = context.getTransform().a;
  const { canvas, pen } = overlay;
  const [w, h] = [area.width + 2 * OUTLINE, area.height + 2 * OUTLINE].map((n) => Math.ceil(n * density));
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const inside = { ...scale, left: scale.left - area.left + OUTLINE, top: scale.top - area.top + OUTLINE };
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, w / density, h / density);
  pen.globalCompositeOperation = "source-over";
  pen.fillStyle = shade;
  pen.fillRect(OUTLINE, OUTLINE, area.width, area.height);
  if (highContrast.matches) hatch(pen, { ...area, left: OUTLINE, top: OUTLINE }, colour("ink"));
  if (lit.length <= MOST) fillRectangles(pen, lit, inside, line, OUTLINE);
  pen.globalCompositeOperation = "destination-out";
  fillRectangles(pen, lit, inside, "#000");
  context.drawImage(canvas, area.left - OUTLINE, area.top - OUTLINE, w / density, h / density);
}

/**
 * The same around one rectangle, as most fields are: nothing to lay together, and no copy of the whole picture.
 * @param {CanvasRenderingContext2D} context @param {Rectangle} lit @param {Scale} scale @param {Area} area
 * @param {string} shade @param {string} line
 */
function around(context, [x, y, w, h], scale, area, shade, line) {
  const [left, top, wide, high] = [scale.left + x * scale.x, scale.top + y * scale.y, w * scale.x, h * scale.y];
  context.save();
  context.beginPath();
  context.rect(area.left - OUTLINE, area.top - OUTLINE, area.width + 2 * OUTLINE, area.height + 2 * OUTLINE);
  context.clip();
  const [outside, outline] = [new Path2D(), new Path2D()];
  outside.rect(area.left, area.top, area.width, area.height);
  outline.rect(left - OUTLINE, top - OUTLINE, wide + 2 * OUTLINE, high + 2 * OUTLINE);
  for (const path of [outside, outline]) path.rect(left, top, wide, high);
  context.fillStyle = shade;
  context.fill(outside, "evenodd");
  context.fillStyle = line;
  context.fill(outline, "evenodd");
  context.restore();
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
 * The colours of heat by the square root of a weight against the greatest, ever less transparent, as pixels are kept.
 */
const HEAT = new Uint32Array(
  Uint8ClampedArray.from(
    Array.from({ length: 1024 }, (_, i) => [
      ...cividis(i / 1023),
      Math.round(235 * Math.min(1, (i / 1023) * 1.6)),
    ]).flat(),
  ).buffer,
);

/**
 * A map of weights as a picture, one pixel a cell.
 * @param {ArrayLike<number>} values @param {number} w @param {number} h @returns {OffscreenCanvas}
 */
export function heat(values, w, h) {
  const most = greatest(values);
  return heated(w, h, (pixels) => {
    for (let i = 0; i < values.length; i++) pixels[i] = HEAT[most ? Math.round(1023 * Math.sqrt(values[i] / most)) : 0];
  });
}

/**
 * The same of a product of rows and columns.
 * @param {ArrayLike<number>} rows @param {ArrayLike<number>} columns @returns {OffscreenCanvas}
 */
export function heatOfProduct(rows, columns) {
  const [ys, xs] = [rows, columns].map((values) => {
    const most = greatest(values);
    return Float64Array.from(values, (value) => Math.sqrt(value / most));
  });
  return heated(xs.length, ys.length, (pixels) => {
    for (let y = 0, i = 0; y < ys.length; y++) {
      const scale = 1023 * ys[y];
      for (let x = 0; x < xs.length; x++) pixels[i++] = HEAT[Math.round(scale * xs[x])];
    }
  });
}

/** @param {ArrayLike<number>} values */
function greatest(values) {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]);
  return most;
}

/** @param {number} w @param {number} h @param {(pixels: Uint32Array) => void} paint @returns {OffscreenCanvas} */
function heated(w, h, paint) {
  const { canvas, pen } = blank(w, h);
  const image = pen.createImageData(w, h);
  paint(new Uint32Array(image.data.buffer));
  pen.putImageData(image, 0, 0);
  return canvas;
}
