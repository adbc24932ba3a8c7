// Kernel, stride, dilation and padding of the selected layer, one step at a time; the page recomputes what follows.

import { chip } from "./controls.js";
import { fill, h, withData } from "./dom.js";
import { canEdit, editsFrom, editsText, sizesOf } from "./edit.js";
import { fieldSize, relative, times } from "./words.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {"kernel" | "stride" | "dilation" | "padding"} Key */

const KEYS = /** @type {Key[]} */ (["kernel", "stride", "dilation", "padding"]);
const AXES = ["rows", "columns"];

/**
 * @param {{setEdits: (edits: string) => void}} actions
 * @param {import("./network.js").Design[]} designs as the document has them
 * @param {(design: import("./network.js").Design) => number | null} [watched] a layer whose change is always told
 */
export function steppersPanel(actions, designs, watched = () => null) {
  const root = h("div", { class: "steppers" });
  let key = "";
  /** @param {View} view */
  function update(view) {
    const { layer, state } = view;
    const nextKey = `${state.design} ${state.edits} ${view.at}`;
    if (nextKey === key) return;
    const focused = /** @type {HTMLElement | null} */ (
      root.contains(document.activeElement) ? document.activeElement : null
    )?.dataset.step;
    key = nextKey;
    const edits = editsFrom(state.edits);
    const original = designs[state.design].nodes[view.at];
    fill(
      root,
      canEdit(layer)
        ? [
            h("p", { class: "control-title" }, "Try another ", layer.form.type === "Conv" ? "convolution" : "pool"),
            KEYS.flatMap((name) => rows(name, view)),
          ]
        : null,
      edits.size ? h("p", { class: "effect", role: "status" }, effects(designs[state.design], view)) : null,
      edits.size
        ? h(
            "p",
            null,
            chip("undo all changes", () => actions.setEdits("")),
          )
        : null,
      edits.has(original.name) && edits.size > 1
        ? h(
            "p",
            null,
            chip("undo this layer’s", () => actions.setEdits(without(edits, original.name))),
          )
        : null,
    );
    if (focused) withData(root, "step", focused)?.focus();
  }

  /** @param {import("./network.js").Design} before @param {View} view */
  function effects(before, view) {
    const other = watched(before);
    const layers = other === null || other === view.at ? [view.at] : [view.at, other];
    return layers.map((at) => h("span", null, effectOf(before, view.design, at)));
  }

  /** One stepper, or one per axis where axes differ. @param {Key} name @param {View} view */
  function rows(name, view) {
    const values = sizesOf(view.layer)[name];
    if (!values) return [h("p", { class: "hint" }, "padding is uneven")];
    if (new Set(values).size === 1) return [stepper(name, name, values[0], view, () => true)];
    return values.map((value, axis) =>
      stepper(name, `${name} ${AXES[axis + AXES.length - values.length] ?? axis}`, value, view, (i) => i === axis),
    );
  }

  /**
   * @param {Key} name @param {string} words @param {number} value @param {View} view
   * @param {(axis: number) => boolean} isMeant
   */
  function stepper(name, words, value, view, isMeant) {
    const least = name === "padding" ? 0 : 1;
    const by = name === "kernel" && isHalfPadded(view.layer) ? 2 : 1;
    const step = (/** @type {number} */ change) => actions.setEdits(stepped(view, name, change, isMeant));
    return h(
      "div",
      { class: "stepper", role: "group", "aria-label": words },
      h("span", null, words),
      h(
        "button",
        {
          type: "button",
          "aria-label": `${words} less`,
          "data-step": `${words} less`,
          disabled: value - by < least,
          onclick: () => step(-by),
        },
        "−",
      ),
      h("output", null, String(value)),
      h(
        "button",
        { type: "button", "aria-label": `${words} more`, "data-step": `${words} more`, onclick: () => step(by) },
        "+",
      ),
    );
  }
  return { root, update };
}

/**
 * What the changes make of a layer and of the network's costs: before → after.
 * @param {import("./network.js").Design} before @param {import("./network.js").Design} design @param {number} at
 */
function effectOf(before, design, at) {
  const layer = design.nodes[at];
  const was = before.nodes[at];
  if (layer.problem) return null;
  const sees = fieldSize(layer.field);
  const [from, to] = [before.entry.totals, design.entry.totals];
  const costs = /** @type {const} */ (["MACs", "params"]).flatMap((name) => {
    const key = name === "MACs" ? "macs" : "params";
    return from[key] === to[key] ? [] : [`${name} ${relative(to[key], from[key])}`];
  });
  const field = fieldSize(was.field) === sees ? `still ${sees}` : `${fieldSize(was.field)} → ${sees}`;
  return [`${layer.name}: ${field}`, ...(design.problem ? [] : costs)].join(", ");
}

/**
 * Padding that keeps the map's size at stride 1, and so follows the kernel and the dilation.
 * @param {import("./network.js").Layer} node
 */
function isHalfPadded(node) {
  const { kernel, dilation, padding } = sizesOf(node);
  return (
    Boolean(padding?.some((p) => p > 0)) &&
    kernel.every((k, axis) => 2 * (padding?.[axis] ?? 0) === dilation[axis] * (k - 1))
  );
}

/**
 * The changes with one step more.
 * @param {View} view @param {Key} name @param {number} by @param {(axis: number) => boolean} isMeant
 */
function stepped(view, name, by, isMeant) {
  const { layer } = view;
  const edits = editsFrom(view.state.edits);
  const sizes = sizesOf(layer);
  const change = { ...edits.get(layer.name) };
  change[name] = /** @type {number[]} */ (sizes[name]).map((value, axis) => (isMeant(axis) ? value + by : value));
  if ((name === "kernel" || name === "dilation") && isHalfPadded(layer)) {
    const { kernel = [], dilation = [] } = /** @type {import("./edit.js").Sizes} */ ({
      ...sizes,
      [name]: change[name],
    });
    change.padding = kernel.map((k, axis) => Math.floor((dilation[axis] * (k - 1)) / 2));
  }
  edits.set(layer.name, change);
  return editsText(edits);
}

/** @param {Map<string, import("./edit.js").Sizes>} edits @param {string} name */
function without(edits, name) {
  const left = new Map(edits);
  left.delete(name);
  return editsText(left);
}

/** What was changed, in words. @param {string} text @returns {string} */
export function changesInWords(text) {
  const size = (/** @type {[string, number[]]} */ [key, values]) =>
    `${key} ${new Set(values).size === 1 ? values[0] : times(values)}`;
  return [...editsFrom(text)]
    .map(([name, sizes]) => `${name} ${Object.entries(sizes).map(size).join(", ")}`)
    .join("; ");
}
