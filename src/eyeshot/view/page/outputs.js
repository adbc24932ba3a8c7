// What each output of the network sees, below the ledger, in the words of `eyeshot show`.

import { layerButton } from "./controls.js";
import { fill, h } from "./dom.js";
import { column, named, number, numbers, row, scrollable, table } from "./tables.js";

/** @typedef {import("./view.js").View} View */

/** @param {{pick: (layer: number) => void}} actions */
export function outputsPanel(actions) {
  const root = h("div", { class: "outputs", hidden: true });
  let key = "";
  /** @param {View} view */
  function update(view) {
    // The words are those of the design as it came: a changed one has none.
    const outputs = view.state.edits ? null : view.design.entry.outputs;
    const now = `${view.state.design} ${view.state.edits}`;
    if (now === key) return;
    key = now;
    root.hidden = !outputs;
    if (!outputs) return;
    const [first, ...others] = outputs.heads;
    const rows = outputs.rows.map(([name, ...cells], i) =>
      row(
        named(layerButton(name, () => actions.pick(outputs.layers[i]))),
        cells.map((cell) => number(cell)),
      ),
    );
    const heads = [column(first), others.map((words) => numbers(words))];
    fill(root, scrollable("Outputs", table("outputs-table", "What each output sees", heads, rows)));
  }
  return { root, update };
}
