// What each layer costs: bars of weights, operations and activations, and where the field stands when they are spent.

import { chips, layerButton, offer } from "./controls.js";
import { fill, h } from "./dom.js";
import { shownOf, writes } from "./network.js";
import { bar, column, named, number, numbers, scrollable, table } from "./tables.js";
import { NONE, fieldSize, percent, short, whole } from "./words.js";

/** @typedef {import("./view.js").View} View */

/** @typedef {"macs" | "params" | "activations"} Measure */

const MEASURES = /** @type {Array<[Measure, string]>} */ ([
  ["macs", "MACs"],
  ["params", "params"],
  ["activations", "activations"],
]);

/** @param {{pick: (layer: number) => void}} actions */
export function costPanel(actions) {
  let by = /** @type {Measure} */ ("macs");
  let key = "";
  const totals = h("dl", { class: "totals" });
  const costs = h("div");
  const choice = chips("Sort of cost");
  const root = h(
    "div",
    { class: "cost-tab" },
    totals,
    choice,
    costs,
    h(
      "p",
      { class: "hint" },
      "MACs: one multiply-accumulate; convolutions, fully connected layers and matrix products; FLOPs are twice as " +
        "many. Activations: elements that the layer writes, for one image; views write none.",
    ),
  );

  /** @param {View} view */
  function update(view) {
    const { design } = view;
    const nextKey = `${view.state.design} ${view.state.edits} ${by}`;
    if (nextKey !== key) {
      key = nextKey;
      offer(choice, MEASURES, by, (id) => {
        by = id;
        update(view);
      });
      fill(totals, totalsOf(design));
      const heads = [
        column("layer"),
        numbers(MEASURES.find(([id]) => id === by)?.[1]),
        column("share"),
        numbers("spent so far"),
        numbers("sees"),
      ];
      fill(costs, scrollable("Costs", table("bars", "Cost by line of the ledger", heads, rows(view))));
    }
    for (const each of /** @type {NodeListOf<HTMLElement>} */ (costs.querySelectorAll("[data-layers]")))
      each.toggleAttribute("data-on", (each.dataset.layers ?? "").split(" ").includes(String(view.at)));
  }

  /** @param {View} view */
  function rows({ design }) {
    const values = design.lines.map((line) => line.layers.reduce((n, i) => n + amount(design.nodes[i], by), 0));
    const total = values.reduce((a, b) => a + b, 0);
    const most = Math.max(...values, 1);
    let spent = 0;
    return design.lines.map((line, i) => {
      spent += values[i];
      const shown = shownOf(line);
      return h(
        "tr",
        { "data-layers": line.layers.join(" ") },
        named([
          layerButton(line.name, () => actions.pick(shown)),
          line.blocks ? h("span", { class: "times" }, ` ×${line.blocks}`) : null,
        ]),
        number(values[i] ? short(values[i]) : NONE),
        bar(values[i] / most, h("span", null, values[i] ? percent(values[i] / total) : "")),
        number(total ? percent(spent / total) : NONE),
        number(fieldSize(design.nodes[shown].field)),
      );
    });
  }
  return { root, update };
}

/** @param {import("./network.js").Layer} node @param {Measure} by */
function amount(node, by) {
  return by === "activations" ? writes(node) : node[by];
}

/** @param {import("./network.js").Design} design */
function totalsOf(design) {
  const { totals } = design.entry;
  const kept = totals.saved_exact === false ? "kept for training, at least" : "kept for training";
  const told = /** @type {Array<[string, number | null | undefined]>} */ ([
    ["params", totals.params],
    ["MACs", totals.macs],
    ["activations", totals.activations],
    ["of layers with MACs", totals.mac_activations],
    ["alive at once, a planner’s minimum", totals.peak_activations],
    [kept, totals.saved_activations],
  ]);
  return told.map(([term, n]) =>
    n === null || n === undefined ? null : h("div", null, h("dt", null, term), h("dd", { title: whole(n) }, short(n))),
  );
}
