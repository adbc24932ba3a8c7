// The input picture: what is seen is lit, the rest shaded; heat and boxes show what of it is used.

import { colour, h, pen } from "./dom.js";
import { fillUnion, heat, heatOfProduct, plane, planeSize, spotlight } from "./paint.js";
import { flat } from "./spread.js";
import { grid, marked, nearestUnit } from "./view.js";
import { span } from "./levels.js";
import { times } from "./words.js";

/** @typedef {import("./view.js").View} View */
/**
 * @typedef {{left: number, width: number, height: number, rows: [number, number], columns: [number, number]}} Place
 * where in the canvas the picture is, and which pixels it shows: from the first to before the last
 */

const MARGIN = 16;

/**
 * @param {{moveTo: (unit: number[], isPinned: boolean) => void, leave: () => void, reach: (point: number[]) => void}}
 * actions
 * @param {HTMLImageElement | null} image
 */
export function picturePanel(actions, image) {
  const canvas = h("canvas", {
    tabindex: "0",
    role: "application",
    "aria-roledescription": "input picture",
    "aria-describedby": "picture-keys",
  });
  const root = h("div", { class: "picture" }, canvas);
  /** @type {View} */
  let current;
  /** @type {Place} */
  let where;
  /** @type {[number, number] | null} */
  let pressed = null;
  let isDragging = false;

  /** @param {PointerEvent} event @returns {number[]} */
  const pixelAt = (event) => {
    const box = canvas.getBoundingClientRect();
    const { extent } = current.design;
    const [rows, columns] = planeSize(extent);
    const scale = scaleOf(where);
    const x = Math.floor((event.clientX - box.left - scale.left) / scale.x);
    const y = Math.floor((event.clientY - box.top - scale.top) / scale.y);
    const last = [Math.min(Math.max(y, 0), rows - 1), Math.min(Math.max(x, 0), columns - 1)];
    const head = extent.slice(0, -2).map((n, axis) => current.state.point?.[axis] ?? Math.floor(n / 2));
    return extent.length === 1 ? [last[1]] : [...head, ...last];
  };
  /** @param {PointerEvent} event */
  const unitAt = (event) => {
    const point = pixelAt(event);
    const unit = nearestUnit(current, point);
    return unit.map((n, axis) => (axis < unit.length - 2 ? current.state.unit[axis] : n));
  };
  canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    pressed = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (pressed && (isDragging || Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 4)) {
      isDragging = true;
      actions.reach(pixelAt(event));
    } else if (!pressed && !current.state.point) actions.moveTo(unitAt(event), false);
  });
  canvas.addEventListener("pointerup", (/** @type {PointerEvent} */ event) => {
    if (pressed && !isDragging) actions.moveTo(unitAt(event), true);
    pressed = null;
    isDragging = false;
  });
  canvas.addEventListener("pointercancel", () => ((pressed = null), (isDragging = false)));
  canvas.addEventListener("pointerleave", () => {
    if (!pressed) actions.leave();
  });
  canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = /** @type {Record<string, [number, number]>} */ ({
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    })[event.key];
    if (event.key === "Escape" && current.state.point) actions.moveTo(current.state.unit, true);
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (event.shiftKey)
      actions.reach(stepped(current.state.point ?? middleOf(current), step, current.design.extent, 1));
    else actions.moveTo(stepped(current.state.unit, step, current.units, 1), true);
  });

  /** @param {View} view @param {Place} place */
  function update(view, place) {
    [current, where] = [view, place];
    canvas.setAttribute("aria-label", label(view));
    draw(pen(canvas, place.left + place.width + MARGIN, place.height + 2 * MARGIN), view, place, image);
  }
  return { root, update };
}

/** @param {View} view */
const middleOf = (view) => view.design.extent.map((n) => Math.floor(n / 2));

/**
 * @param {number[]} at @param {[number, number]} step @param {number[]} sizes @param {number} by @returns {number[]}
 */
export function stepped(at, step, sizes, by) {
  const last = at.length - 1;
  return at.map((n, axis) =>
    Math.min(Math.max(n + by * (axis === last ? step[1] : axis === last - 1 ? step[0] : 0), 0), sizes[axis] - 1),
  );
}

/** @param {View} view */
function label(view) {
  const ends = view.box?.map(([first, last]) => `${first} to ${last}`).join(" by ") ?? "nothing";
  return view.state.point
    ? `Input ${times(view.design.extent)}, pixel ${view.state.point.join()}`
    : `Input ${times(view.design.extent)}; seen: ${ends}`;
}

/**
 * @param {CanvasRenderingContext2D} context @param {View} view @param {Place} place
 * @param {HTMLImageElement | null} image
 */
function draw(context, view, place, image) {
  const scale = scaleOf(place);
  context.save();
  context.beginPath();
  // at the image's own border marks may reach into the margin, but not where the picture is cut
  const [rows, columns] = planeSize(view.design.extent);
  const [above, left] = [place.rows[0], place.columns[0]].map((at) => (at === 0 ? MARGIN : 0));
  const below = place.rows[1] === rows ? MARGIN : 0;
  const right = place.columns[1] === columns ? MARGIN : 0;
  context.rect(place.left - left, MARGIN - above, place.width + left + right, place.height + above + below);
  context.clip();
  paint(context, view, place, scale, image);
  context.restore();
  context.strokeStyle = colour("muted");
  context.lineWidth = 1;
  context.strokeRect(place.left - 0.5, MARGIN - 0.5, place.width + 1, place.height + 1);
}

/** @param {Place} place @returns {import("./paint.js").Scale} */
function scaleOf({ left, width, height, rows, columns }) {
  const x = width / (columns[1] - columns[0]);
  const y = height / (rows[1] - rows[0]);
  return { left: left - columns[0] * x, top: MARGIN - rows[0] * y, x, y };
}

/**
 * @param {CanvasRenderingContext2D} context @param {View} view @param {Place} place
 * @param {import("./paint.js").Scale} scale @param {HTMLImageElement | null} image
 */
function paint(context, view, place, scale, image) {
  ground(context, view, place, scale, image);
  if (view.state.point) {
    readers(context, view, place, scale);
    return;
  }
  const use = view.isPreview ? null : view.use();
  if (use?.mass) used(context, use.mass, scale);
  spotlight(
    context,
    plane(view.seen),
    scale,
    { left: place.left, top: MARGIN, width: place.width, height: place.height },
    colour(image ? "shade-image" : "shade"),
    colour("accent"),
  );
  beyond(context, view, place, scale);
  if (use?.mass) boxes(context, use, scale);
  centre(context, view, scale);
}

/**
 * What of a picture a network sees, as eyeshot/measure/images.py prepares it: the middle that has the input's proportions.
 * @param {{naturalWidth: number, naturalHeight: number}} image @param {number} rows @param {number} columns
 * @returns {[x: number, y: number, width: number, height: number]}
 */
export function cutOf({ naturalWidth, naturalHeight }, rows, columns) {
  const scale = Math.min(naturalWidth / columns, naturalHeight / rows);
  const [w, h] = [columns * scale, rows * scale];
  return [(naturalWidth - w) / 2, (naturalHeight - h) / 2, w, h];
}

/**
 * The user's picture, or lines every so many pixels.
 * @param {CanvasRenderingContext2D} context @param {View} view @param {Place} place
 * @param {import("./paint.js").Scale} scale @param {HTMLImageElement | null} image
 */
function ground(context, view, place, scale, image) {
  const [rows, columns] = planeSize(view.design.extent);
  context.fillStyle = colour("paper");
  context.fillRect(place.left, MARGIN, place.width, place.height);
  if (image) {
    const [x, y, w, h] = cutOf(image, rows, columns);
    context.imageSmoothingEnabled = w > columns * scale.x;
    context.drawImage(image, x, y, w, h, scale.left, scale.top, columns * scale.x, rows * scale.y);
  } else {
    context.strokeStyle = colour("grid");
    context.lineWidth = 1;
    const step = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 65536].find((n) => n * scale.x >= 14) ?? columns;
    context.beginPath();
    for (let at = step; at < columns; at += step) line(context, scale.left + at * scale.x, MARGIN, 0, place.height);
    if (rows > 1)
      for (let at = step; at < rows; at += step) line(context, place.left, scale.top + at * scale.y, place.width, 0);
    context.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} dx @param {number} dy
 */
function line(context, x, y, dx, dy) {
  context.moveTo(x, y);
  context.lineTo(x + dx, y + dy);
}

/** @type {WeakMap<object, {picture: OffscreenCanvas, low: number[], size: number[]}>} */
const drawn = new WeakMap();

/** A map of weights over rows and columns, painted once. @param {import("./density.js").Mass} mass */
function painted(mass) {
  const known = drawn.get(mass);
  if (known) return known;
  const [h, w] = planeSize(mass.size);
  const low = mass.low.length === 1 ? [0, ...mass.low] : mass.low.slice(-2);
  const [rows, columns] = mass.lines ? [mass.lines.at(-2) ?? [1], mass.lines.at(-1) ?? [1]] : [];
  const picture = rows && columns ? heatOfProduct(rows, columns) : heat(flat(mass).data, w, h);
  const look = { picture, low, size: [h, w] };
  drawn.set(mass, look);
  return look;
}

/**
 * @param {CanvasRenderingContext2D} context @param {import("./density.js").Mass} mass
 * @param {import("./paint.js").Scale} scale
 */
function used(context, mass, scale) {
  const { picture, low, size } = painted(mass);
  const [top, left] = [scale.top + low[0] * scale.y, scale.left + low[1] * scale.x];
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, left, top, size[1] * scale.x, size[0] * scale.y);
}

/**
 * The boxes that hold half and 95 % of what is used, as the answer tells them.
 * @param {CanvasRenderingContext2D} context @param {import("./view.js").Use} use
 * @param {import("./paint.js").Scale} scale
 */
function boxes(context, { half, most }, scale) {
  for (const [box, dash] of /** @type {const} */ ([
    [half, []],
    [most, [5, 4]],
  ])) {
    if (!box) continue;
    const [[top, bottom], [left, right]] = box.length === 1 ? [[0, 0], box[0]] : box.slice(-2);
    context.setLineDash(dash);
    for (const [stroke, width] of /** @type {const} */ ([
      ["paper", 3],
      ["ink", 1.25],
    ])) {
      context.strokeStyle = colour(stroke);
      context.lineWidth = width;
      const [x, y] = [scale.left + left * scale.x, scale.top + top * scale.y];
      context.strokeRect(x, y, (right - left + 1) * scale.x, (bottom - top + 1) * scale.y);
    }
  }
  context.setLineDash([]);
}

/**
 * The part of the field that lies outside the image, as far as the margin shows it.
 * @param {CanvasRenderingContext2D} context @param {View} view @param {Place} place
 * @param {import("./paint.js").Scale} scale
 */
function beyond(context, view, place, scale) {
  const { start, stride, size, irregular } = view.field;
  const { unit } = view.state;
  if (!start || !stride || irregular) return;
  const from = unit.map((n, axis) => (start[axis] ?? 0) + n * (stride[axis] ?? 0));
  const [y, x] = from.length === 1 ? [0, from[0]] : from.slice(-2);
  const [h, w] = size.length === 1 ? [1, size[0]] : size.slice(-2);
  context.strokeStyle = colour("accent");
  context.lineWidth = 1.5;
  context.setLineDash([3, 3]);
  context.strokeRect(scale.left + x * scale.x - 1, scale.top + y * scale.y - 1, w * scale.x + 2, h * scale.y + 2);
  context.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} context @param {View} view @param {import("./paint.js").Scale} scale */
function centre(context, view, scale) {
  if (view.units.every((n) => n === 1)) return;
  const at = view.state.unit.map((n, axis) => {
    const { first, step } = grid(view.design, view.at, axis);
    return first + n * step;
  });
  const [y, x] = at.length === 1 ? [0.5, at[0]] : at.slice(-2);
  dot(context, scale.left + x * scale.x, scale.top + y * scale.y, colour("accent"));
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {string} fill */
function dot(context, x, y, fill) {
  context.beginPath();
  context.arc(x, y, 4, 0, 7);
  context.fillStyle = fill;
  context.strokeStyle = colour("paper");
  context.lineWidth = 2;
  context.fill();
  context.stroke();
}

/**
 * The pixel, and where the units that see it lie.
 * @param {CanvasRenderingContext2D} context @param {View} view @param {Place} place
 * @param {import("./paint.js").Scale} scale
 */
function readers(context, view, place, scale) {
  const axes = view.design.axes.length;
  context.globalAlpha = 0.3;
  const [ax, ay] = [axes - 1, axes - 2];
  const [x0, x1] = span(view, view.at, ax, 0, 0);
  const [y0, y1] = ay < 0 ? [0, 1] : span(view, view.at, ay, 0, 0);
  const cells = {
    left: scale.left + x0 * scale.x,
    top: scale.top + y0 * scale.y,
    x: (x1 - x0) * scale.x,
    y: (y1 - y0) * scale.y,
  };
  fillUnion(context, plane(marked(view, view.at)), cells, colour("reach"));
  context.globalAlpha = 1;
  const point = view.state.point ?? [];
  const [py, px] = point.length === 1 ? [0, point[0]] : point.slice(-2);
  context.strokeStyle = colour("reach");
  context.lineWidth = 1;
  context.beginPath();
  line(context, scale.left + (px + 0.5) * scale.x, MARGIN, 0, place.height);
  line(context, place.left, scale.top + (py + 0.5) * scale.y, place.width, 0);
  context.stroke();
  dot(context, scale.left + (px + 0.5) * scale.x, scale.top + (py + 0.5) * scale.y, colour("reach"));
}
