// The cone: a side view through all layers along one axis, from the unit down to the pixels it sees; or up from a pixel
// to all that see it. It stands on the input picture, on the same scale.

import { chips, offer } from "./controls.js";
import { colour, font, h, pen } from "./dom.js";
import { levelCount, levels, span } from "./levels.js";
import { axisNames, listed, shortened } from "./words.js";

/** @typedef {import("./view.js").View} View */

const TOP = 16;
const BOTTOM = 8;
const LABELS = 104;
const MOST_DOTS = 700;
const MOST_NAMES = 5;

/** @param {{setAxis: (axis: number) => void}} actions */
export function conePanel(actions) {
  const canvas = h("canvas", { role: "img", "aria-label": "Cone" });
  const axes = chips("Axis of the cone", "axes");
  const note = h("p", { class: "hint cone-note" });
  const root = h("div", { class: "cone" }, axes, canvas);
  /**
   * @param {View} view
   * @param {{left: number, width: number, height: number, from: number, to: number}} place from … to are the pixels
   * shown
   */
  function update(view, place) {
    const { design, state } = view;
    const names = axisNames(design.axes.length);
    if (!view.isPreview) {
      const answers = names.length > 1 ? names.map((name, axis) => /** @type {const} */ ([axis, name])) : [];
      offer(axes, answers, state.axis, actions.setAxis);
    }
    const shown = levels(view);
    if (!view.isPreview) note.textContent = leftOut(view, shown);
    canvas.setAttribute(
      "aria-label",
      state.point
        ? `Cone along ${names[state.axis]}: units of ${shown.length} layers that see the pixel`
        : `Cone along ${names[state.axis]}: what ${view.layer.name} sees through ${shown.length} layers`,
    );
    draw(pen(canvas, place.left + place.width + LABELS, place.height), view, shown, place);
  }
  return { root, note, update };
}

/**
 * All that looks alike is one path: a stroke takes as long for two hundred lines as for one.
 * @param {CanvasRenderingContext2D} context @param {View} view @param {import("./levels.js").Level[]} shown
 * @param {{left: number, width: number, height: number, from: number, to: number}} place
 */
function draw(context, view, shown, place) {
  if (!shown.length) return;
  const { axis, point } = view.state;
  const unit = place.width / (place.to - place.from);
  const gap = (place.height - TOP - BOTTOM) / Math.max(shown.length - 1, 1);
  const ink = colour("ink");
  const tint = colour(point ? "reach" : "accent");
  const y = (/** @type {number} */ i) => place.height - BOTTOM - i * gap;
  const x = (/** @type {number} */ pixel) =>
    place.left + Math.min(Math.max((pixel - place.from) * unit, -6), place.width + 6);
  const [body, maps, seen] = [new Path2D(), new Path2D(), new Path2D()];
  shown.forEach((level, i) => {
    const [low, high] = span(view, level.at, axis, 0, level.units[axis] - 1);
    line(maps, x(low), x(high), y(i));
    for (const [first, last] of ranges(level, axis)) {
      const [a, b] = span(view, level.at, axis, first, last);
      line(seen, x(a), Math.max(x(b), x(a) + 1), y(i));
    }
    if (i + 1 === shown.length) return;
    const [a, b] = ends(view, level, axis);
    const [c, d] = ends(view, shown[i + 1], axis);
    body.moveTo(x(a), y(i));
    body.lineTo(x(b), y(i));
    body.lineTo(x(d), y(i + 1));
    body.lineTo(x(c), y(i + 1));
  });
  context.fillStyle = tint;
  context.globalAlpha = 0.16;
  context.fill(body);
  context.globalAlpha = 1;
  stroked(context, maps, colour("unit-line"), 1);
  stroked(context, seen, tint, gap < 5 ? 1.5 : 3);
  for (const [i, level] of shown.entries()) dots(context, view, level, axis, { x, y: y(i), unit, ink, tint, gap });
  names(context, view, shown, place, gap);
}

/**
 * Names of as many levels as there is room for, the first and the last always.
 * @param {CanvasRenderingContext2D} context @param {View} view @param {import("./levels.js").Level[]} shown
 * @param {{left: number, width: number, height: number}} place @param {number} gap
 */
function names(context, view, shown, place, gap) {
  const every = Math.max(1, Math.ceil(12 / Math.max(gap, 1)));
  const last = shown.length - 1;
  context.font = font("mono");
  context.textBaseline = "middle";
  shown.forEach((level, i) => {
    const isClear = (last - i) * gap >= 12 && i * gap >= 12;
    if (i !== last && i !== 0 && !(i % every === 0 && isClear)) return;
    const name = level.at === view.design.input ? "input" : level.name;
    context.fillStyle = colour(level.at === view.at ? "ink" : "muted");
    context.fillText(
      fitted(context, name, LABELS - 14),
      place.left + place.width + 10,
      place.height - BOTTOM - i * gap,
    );
  });
}

/** @param {View} view @param {import("./levels.js").Level} level @param {number} axis @returns {[number, number]} */
function ends(view, level, axis) {
  return span(view, level.at, axis, level.box[axis][0], level.box[axis][1]);
}

/**
 * Marked ranges along one axis, of all products together.
 * @param {import("./levels.js").Level} level @param {number} axis @returns {Array<[number, number]>}
 */
function ranges(level, axis) {
  /** @type {Array<[number, number]>} */
  const marked = [];
  for (const product of level.products)
    for (let i = 0; i < product[axis].length; i += 2) marked.push([product[axis][i], product[axis][i + 1]]);
  return marked;
}

/**
 * Units as dots, where there is room to tell them apart.
 * @param {CanvasRenderingContext2D} context @param {View} view @param {import("./levels.js").Level} level
 * @param {number} axis
 * @param {{x: (pixel: number) => number, y: number, unit: number, ink: string, tint: string, gap: number}} look
 */
function dots(context, view, level, axis, look) {
  const [a, b] = span(view, level.at, axis, 0, 0);
  const wide = (b - a) * look.unit;
  if (wide < 4 || look.gap < 7 || level.units[axis] > MOST_DOTS) return;
  const marks = ranges(level, axis);
  for (let i = 0; i < level.units[axis]; i++) {
    const [from, to] = span(view, level.at, axis, i, i);
    const centre = (from + to) / 2;
    const isIn = marks.some(([first, last]) => i >= first && i <= last);
    context.beginPath();
    context.arc(look.x(centre), look.y, isIn ? Math.min(3.2, wide * 0.35) : 1.2, 0, 7);
    context.fillStyle = isIn ? look.tint : look.ink;
    context.globalAlpha = isIn ? 1 : 0.35;
    context.fill();
  }
  context.globalAlpha = 1;
}

/** @param {Path2D} path @param {number} from @param {number} to @param {number} y */
function line(path, from, to, y) {
  path.moveTo(from, y);
  path.lineTo(to, y);
}

/** @param {CanvasRenderingContext2D} context @param {Path2D} path @param {string} stroke @param {number} width */
function stroked(context, path, stroke, width) {
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.stroke(path);
}

/**
 * Which layers on the way are not drawn, and why.
 * @param {View} view @param {import("./levels.js").Level[]} shown @returns {string}
 */
function leftOut(view, shown) {
  const { design, marks } = view;
  const count = levelCount(view);
  if (count > shown.length)
    return `Of ${count} layers in which the set differs from the one before, ${shown.length} are drawn, evenly spread.`;
  const drawn = new Set(shown.map((level) => level.at));
  const names = design.nodes.flatMap(({ name }, i) => (marks[i]?.length && !drawn.has(i) ? [name] : []));
  if (!names.length) return "";
  const some =
    names.length > MOST_NAMES ? [...names.slice(0, MOST_NAMES - 1), `${names.length - MOST_NAMES + 1} more`] : names;
  return `Not drawn, since the set there is that of the layer before or has no map: ${listed(some)}.`;
}

/** @type {Map<string, string>} Measuring takes longer than drawing: names are the same from frame to frame. */
const fits = new Map();

/** As much of a name as fits. @param {CanvasRenderingContext2D} context @param {string} text @param {number} room */
function fitted(context, text, room) {
  const known = fits.get(text);
  if (known !== undefined) return known;
  let most = Math.min([...text].length, 80);
  while (most > 1 && context.measureText(shortened(text, most)).width > room) most--;
  const result = shortened(text, most);
  fits.set(text, result);
  return result;
}
