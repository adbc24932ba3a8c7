// How what a unit uses is shared along one axis: its profile over the pixels that it can see, and what holds most of it.

import { shortest } from "./box.js";
import { colour, font, h, pen } from "./dom.js";
import { hatch } from "./paint.js";
import { axisNames, percent } from "./words.js";

/** @typedef {import("./view.js").View} View */

const [LEFT, RIGHT, TOP, HIGH, BELOW] = [44, 8, 12, 124, 64];
/** Pixels beside the field that are shown, as a share of it: enough to see where it ends. */
const BESIDE = 0.08;

/**
 * @param {View} view @param {Float64Array} values weights with sum 1 @param {number} axis @param {number} low the pixel
 * that the first of them is of @param {number} room
 */
export function profileChart(view, values, axis, low, room) {
  const name = axisNames(view.design.axes.length)[axis];
  const canvas = h("canvas", { role: "img", "aria-label": `Profile along ${name}` });
  const width = Math.min(room, 560);
  const context = pen(canvas, width, TOP + HIGH + BELOW);
  const field = view.box?.[axis] ?? [low, low + values.length - 1];
  const [from, to] = around(field, view.design.extent[axis]);
  const x = (/** @type {number} */ pixel) => LEFT + ((pixel - from) / (to - from)) * (width - LEFT - RIGHT);
  const most = Math.max(...values, 1e-12);
  const y = (/** @type {number} */ value) => TOP + HIGH * (1 - value / most);
  for (const [a, b] of [
    [from, field[0]],
    [field[1] + 1, to],
  ])
    hatch(context, { left: x(a), top: TOP, width: x(b) - x(a), height: HIGH }, colour("rule-strong"));
  shares(context, values, low, x, y);
  frame(context, field, x);
  scale(context, most, [from, to], name, x);
  [0.5, 0.95].forEach((share, i) => {
    const [a, b] = shortest(values, share);
    const ends = /** @type {[number, number]} */ ([low + a, low + b]);
    bracket(context, ends, `${100 * share} %`, x, TOP + HIGH + 28 + 18 * i, i > 0);
  });
  return canvas;
}

/**
 * The pixels shown: those of the field and some beside it; of a field as large as the image all of them.
 * @param {readonly number[]} field @param {number} extent @returns {[number, number]} the first and the one behind the last
 */
function around([first, last], extent) {
  const beside = Math.max(Math.ceil((last - first + 1) * BESIDE), 2);
  return [Math.max(first - beside, 0), Math.min(last + 1 + beside, extent)];
}

/**
 * The weights as an area. Where several pixels fall on one point of the screen, strided layers alternate faster than one
 * can draw: the area is their mean then, and a lighter one behind it reaches to the greatest.
 * @param {CanvasRenderingContext2D} context @param {Float64Array} values @param {number} low
 * @param {(pixel: number) => number} x @param {(value: number) => number} y
 */
function shares(context, values, low, x, y) {
  const group = Math.max(1, Math.ceil(2 / (x(1) - x(0))));
  const [mean, greatest] = [new Path2D(), new Path2D()];
  for (let i = 0; i < values.length; i += group) {
    const some = values.subarray(i, i + group);
    const [left, wide] = [x(low + i), x(low + i + some.length) - x(low + i)];
    const [level, peak] = [some.reduce((a, b) => a + b, 0) / some.length, Math.max(...some)];
    mean.rect(left, y(level), wide, y(0) - y(level));
    greatest.rect(left, y(peak), wide, y(level) - y(peak));
  }
  context.fillStyle = colour("accent");
  context.fill(mean);
  context.globalAlpha = 0.35;
  context.fill(greatest);
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {readonly number[]} field @param {(pixel: number) => number} x */
function frame(context, [first, last], x) {
  context.strokeStyle = colour("accent");
  context.lineWidth = 2;
  context.strokeRect(x(first), TOP - 1, x(last + 1) - x(first), HIGH + 2);
}

/**
 * The greatest share at the left, and the pixels shown below.
 * @param {CanvasRenderingContext2D} context @param {number} most @param {[number, number]} shown
 * @param {string} name @param {(pixel: number) => number} x
 */
function scale(context, most, [from, to], name, x) {
  context.fillStyle = colour("muted");
  context.font = font("sans");
  context.textBaseline = "alphabetic";
  context.textAlign = "right";
  context.fillText(percent(most), LEFT - 5, TOP + 8);
  context.fillText("0", LEFT - 5, TOP + HIGH);
  context.fillText(String(to - 1), x(to), TOP + HIGH + 14);
  context.textAlign = "left";
  context.fillText(String(from), LEFT, TOP + HIGH + 14);
  context.textAlign = "center";
  context.fillText(`along ${name}`, (x(from) + x(to)) / 2, TOP + HIGH + 14);
}

/**
 * What holds a share, as the picture has it: half in a whole line, 95 % in a dashed one.
 * @param {CanvasRenderingContext2D} context @param {[number, number]} ends @param {string} words
 * @param {(pixel: number) => number} x @param {number} y @param {boolean} isDashed
 */
function bracket(context, [first, last], words, x, y, isDashed) {
  const [a, b] = [x(first), x(last + 1)];
  context.strokeStyle = context.fillStyle = colour("ink");
  context.lineWidth = 2;
  context.setLineDash(isDashed ? [5, 4] : []);
  context.beginPath();
  context.moveTo(a, y);
  context.lineTo(b, y);
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  for (const end of [a, b]) {
    context.moveTo(end, y - 4);
    context.lineTo(end, y + 4);
  }
  context.stroke();
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.fillText(words, LEFT - 5, y);
}
