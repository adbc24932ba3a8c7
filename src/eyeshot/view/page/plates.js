// The plates: the exact set in each layer, holes and crosses included, from the unit on back to the image.

import { colour, fill, h, pen } from "./dom.js";
import { area } from "./network.js";
import { levels } from "./levels.js";
import { fillUnion, plane, planeSize } from "./paint.js";
import { counted, times, whole } from "./words.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./levels.js").Level} Level */

const SIDE = 78;

/** @param {{pickAt: (layer: number, unit: number[]) => void}} actions */
export function platesPanel(actions) {
  const strip = h("ol", { class: "plates", "aria-label": "The exact set in each layer" });
  const root = h("div", { class: "plates-box scroll", tabindex: "0", role: "region", "aria-label": "Plates, scrollable" }, strip);
  /** @type {Map<Element, () => void>} */
  let waiting = new Map();
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      waiting.get(target)?.();
      waiting.delete(target);
      watcher.unobserve(target);
    }
  }, { root, rootMargin: "200px" });
  let key = "";

  /** @param {View} view */
  function update(view) {
    const found = view.state.point ? levels(view) : levels(view).reverse();
    const nextKey = `${view.state.design} ${view.state.edits} ${Boolean(view.state.point)} ${found.map((level) => level.at)}`;
    watcher.disconnect();
    waiting = new Map();
    if (nextKey !== key) {
      key = nextKey;
      fill(strip, found.map((level) => plate(level, view)));
      root.scrollLeft = 0;
    }
    [...strip.children].forEach((item, i) => {
      waiting.set(item, () => refresh(item, found[i], view));
      watcher.observe(item);
    });
  }

  /** @param {Level} level @param {View} view */
  function plate(level, view) {
    const isInput = level.at === view.design.input;
    const body = [h("canvas", { "aria-hidden": "true" }), h("span", { class: "plate-name", title: level.name }, isInput ? "input" : short(level.name)), h("span", { class: "plate-size" })];
    return h("li", null, isInput ? h("div", { class: "plate" }, body) : h("button", { type: "button", class: "plate" }, body));
  }

  /** @param {Element} item @param {Level} level @param {View} view */
  function refresh(item, level, view) {
    const [canvas, , size] = /** @type {any[]} */ ([...item.children[0].children]);
    const n = area(level.products);
    size.textContent = `${shape(level)} of ${times(level.units)}`;
    const button = /** @type {HTMLElement} */ (item.children[0]);
    button.title = `${level.name}: ${counted(n, "position")} of ${whole(level.units.reduce((a, b) => a * b, 1))}`;
    button.onclick = button.tagName === "BUTTON" ? () => actions.pickAt(level.at, level.box.map(([a, b]) => Math.floor((a + b + 1) / 2))) : null;
    draw(canvas, level, view);
  }
  return { root, update };
}

/** What is marked, in short: its box, and a sign where it has holes. @param {Level} level */
function shape({ products, box }) {
  const full = box.reduce((n, [a, b]) => n * (b - a + 1), 1);
  return times(box.map(([a, b]) => b - a + 1)) + (area(products) < full ? "*" : "");
}

/** @param {string} name */
const short = (name) => ([...name].length <= 15 ? name : `…${[...name].slice(-14).join("")}`);

/** @param {HTMLCanvasElement} canvas @param {Level} level @param {View} view */
function draw(canvas, level, view) {
  const [rows, columns] = planeSize(level.units), side = SIDE / Math.max(rows, columns);
  const w = Math.max(columns * side, 3), high = Math.max(rows * side, rows === 1 ? 14 : 3);
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

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} dx @param {number} dy */
function lineTo(context, x, y, dx, dy) {
  context.moveTo(x, y);
  context.lineTo(x + dx, y + dy);
}
