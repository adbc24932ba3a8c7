// The plates: the exact set in each layer, holes and crosses included, from the unit on back to the image.

import { cancelIdle, colour, h, pen, whenIdle } from "./dom.js";
import { area } from "./network.js";
import { levels } from "./levels.js";
import { fillUnion, plane, planeSize } from "./paint.js";
import { counted, shortened, times, whole } from "./words.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./levels.js").Level} Level */

const SIDE = 78;
/** From one plate to the next, in CSS pixels, as the style sheet has it. */
const STEP = 112;

/** @param {{pickAt: (layer: number, unit: number[]) => void}} actions */
export function platesPanel(actions) {
  const strip = h("ol", { class: "plates", "aria-label": "The exact set in each layer" });
  const root = h(
    "div",
    {
      class: "plates-box scroll",
      tabindex: "0",
      role: "region",
      "aria-label": "Plates, scrollable",
      onscroll: () => {
        left = root.scrollLeft;
        show();
      },
    },
    strip,
  );
  let left = 0;
  let wide = 600;
  let key = "";
  let waiting = 0;
  /** @type {Level[]} */
  let shown = [];
  /** @type {View} */
  let current;
  /** Plates that show the current view. @type {Set<number>} */
  let fresh = new Set();
  new ResizeObserver(() => {
    wide = root.clientWidth;
    if (current) show();
  }).observe(root);

  /** @param {number} i */
  const buttonAt = (i) => /** @type {HTMLButtonElement} */ (strip.children[i].firstElementChild);

  /** @param {View} view */
  function update(view) {
    current = view;
    shown = view.state.point ? levels(view) : levels(view).slice().reverse();
    fresh = new Set();
    const nextKey = `${view.state.design} ${view.at} ${Boolean(view.state.point)}`;
    if (nextKey !== key && !view.isPreview) {
      key = nextKey;
      if (left) root.scrollLeft = left = 0;
    }
    show();
    cancelIdle(waiting);
    waiting = whenIdle(rest);
  }

  /** Bring those in sight up to date. How many levels there are changes from unit to unit: those out of sight wait until
   *  the browser has nothing else to do. */
  function show() {
    const first = Math.max(Math.floor(left / STEP) - 1, 0);
    const last = Math.min(Math.ceil((left + wide) / STEP) + 1, shown.length - 1);
    while (strip.children.length <= last) strip.append(plate());
    if (last === shown.length - 1) while (strip.children.length > shown.length) strip.lastElementChild?.remove();
    for (let i = first; i <= last; i++) {
      if (fresh.has(i)) continue;
      fresh.add(i);
      rename(i);
      refresh(buttonAt(i), shown[i], current);
    }
  }

  /** As many plates as levels, each with its name. */
  function rest() {
    while (strip.children.length > shown.length) strip.lastElementChild?.remove();
    while (strip.children.length < shown.length) strip.append(plate());
    shown.forEach((_, i) => rename(i));
  }

  /** @param {number} i */
  function rename(i) {
    const name = buttonAt(i).children[1];
    const text = shown[i].at === current.design.input ? "input" : shortened(shown[i].name, 15);
    if (name.textContent !== text) name.textContent = text;
  }

  function plate() {
    return h(
      "li",
      null,
      h(
        "button",
        { type: "button", class: "plate" },
        h("canvas", { "aria-hidden": "true" }),
        h("span", { class: "plate-name" }),
        h("span", { class: "plate-size" }),
      ),
    );
  }

  /** @param {HTMLButtonElement} button @param {Level} level @param {View} view */
  function refresh(button, level, view) {
    const [canvas, , size] = /** @type {[HTMLCanvasElement, Element, Element]} */ (
      /** @type {unknown} */ (button.children)
    );
    const isInput = level.at === view.design.input;
    const n = area(level.products);
    size.textContent = `${shape(level, n)} of ${times(level.units)}`;
    button.title = `${level.name}: ${counted(n, "position")} of ${whole(level.units.reduce((a, b) => a * b, 1))}`;
    button.disabled = isInput;
    button.onclick = () =>
      actions.pickAt(
        level.at,
        level.box.map(([a, b]) => Math.floor((a + b + 1) / 2)),
      );
    draw(canvas, level, view);
  }
  return { root, update };
}

/**
 * What is marked, in short: its box, and a star where it has holes.
 * @param {Level} level @param {number} n positions marked
 */
function shape({ box }, n) {
  const full = box.reduce((all, [a, b]) => all * (b - a + 1), 1);
  return times(box.map(([a, b]) => b - a + 1)) + (n < full ? "*" : "");
}

/** @param {HTMLCanvasElement} canvas @param {Level} level @param {View} view */
function draw(canvas, level, view) {
  const [rows, columns] = planeSize(level.units);
  const side = SIDE / Math.max(rows, columns);
  const w = Math.max(columns * side, 3);
  const high = Math.max(rows * side, rows === 1 ? 14 : 3);
  const context = pen(canvas, SIDE + 2, SIDE + 2);
  const scale = { left: 1 + (SIDE - w) / 2, top: 1 + (SIDE - high) / 2, x: w / columns, y: high / rows };
  context.fillStyle = colour("paper");
  context.fillRect(scale.left, scale.top, w, high);
  fillUnion(context, plane(level.products), scale, colour(view.state.point ? "reach" : "accent"));
  if (Math.min(scale.x, scale.y) >= 4) {
    context.strokeStyle = colour("rule-strong");
    context.lineWidth = 0.5;
    context.beginPath();
    for (let i = 1; i < columns; i++) lineTo(context, scale.left + i * scale.x, scale.top, 0, high);
    for (let i = 1; i < rows; i++) lineTo(context, scale.left, scale.top + i * scale.y, w, 0);
    context.stroke();
  }
  context.strokeStyle = colour("muted");
  context.lineWidth = 1;
  context.strokeRect(scale.left - 0.5, scale.top - 0.5, w + 1, high + 1);
}

/**
 * @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} dx @param {number} dy
 */
function lineTo(context, x, y, dx, dy) {
  context.moveTo(x, y);
  context.lineTo(x + dx, y + dy);
}
