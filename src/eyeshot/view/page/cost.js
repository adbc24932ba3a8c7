// What each layer costs: bars of weights, operations and activations, and where the field stands when they are spent.

import { fill, h } from "./dom.js";
import { writes } from "./network.js";
import { NONE, fieldSize, percent, short, whole } from "./words.js";

/** @typedef {import("./view.js").View} View */

const MEASURES = /** @type {Array<[string, string]>} */ ([
  ["macs", "MACs"],
  ["params", "params"],
  ["activations", "activations"],
]);

/** @param {{pick: (layer: number) => void}} actions */
export function costPanel(actions) {
  let by = "macs";
  let key = "";
  const totals = h("dl", { class: "totals" });
  const head = h("thead");
  const body = h("tbody");
  const choice = h("div", { class: "chips", role: "group", "aria-label": "Sort of cost" });
  const table = h("table", { class: "bars" }, h("caption", null, "Cost by line of the ledger"), head, body);
  const root = h(
    "div",
    { class: "cost-tab" },
    totals,
    choice,
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Costs, scrollable" }, table),
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
      fill(
        choice,
        MEASURES.map(([id, name]) =>
          h(
            "button",
            {
              type: "button",
              class: "chip",
              "aria-pressed": String(id === by),
              onclick: () => ((by = id), update(view)),
            },
            name,
          ),
        ),
      );
      fill(totals, totalsOf(design));
      fill(
        head,
        h(
          "tr",
          null,
          h("th", { scope: "col" }, "layer"),
          h("th", { scope: "col", class: "number" }, MEASURES.find(([id]) => id === by)?.[1]),
          h("th", { scope: "col" }, "share"),
          h("th", { scope: "col", class: "number" }, "spent so far"),
          h("th", { scope: "col", class: "number" }, "sees"),
        ),
      );
      fill(body, rows(view));
    }
    for (const row of body.rows)
      row.toggleAttribute("data-on", row.dataset.layers.split(" ").includes(String(view.at)));
  }

  /** @param {View} view */
  function rows({ design }) {
    const values = design.lines.map((line) =>
      line.layers.reduce((/** @type {number} */ n, /** @type {number} */ i) => n + amount(design.nodes[i], by), 0),
    );
    const total = values.reduce((a, b) => a + b, 0);
    const most = Math.max(...values, 1);
    let spent = 0;
    return design.lines.map((line, i) => {
      spent += values[i];
      const shown = line.blocks ? line.layers.at(-1) : line.layers[0];
      return h(
        "tr",
        { "data-layers": line.layers.join(" ") },
        h(
          "th",
          { scope: "row" },
          h(
            "button",
            { type: "button", class: "row-name", title: line.name, onclick: () => actions.pick(shown) },
            [...line.name].length > 40 ? `…${[...line.name].slice(-38).join("")}` : line.name,
          ),
          line.blocks ? h("span", { class: "times" }, ` ×${line.blocks}`) : null,
        ),
        h("td", { class: "number" }, values[i] ? short(values[i]) : NONE),
        h(
          "td",
          { class: "bar-cell", "--share": (values[i] / most).toFixed(4) },
          h("span", null, values[i] ? percent(values[i] / total) : ""),
        ),
        h("td", { class: "number" }, total ? percent(spent / total) : NONE),
        h("td", { class: "number" }, fieldSize(design.nodes[shown].field)),
      );
    });
  }
  return { root, update };
}

/** @param {any} node @param {string} by */
function amount(node, by) {
  return by === "activations" ? writes(node) : node[by];
}

/** @param {import("./network.js").Design} design */
function totalsOf(design) {
  const {
    params,
    macs,
    activations,
    mac_activations: ofMacs,
    peak_activations: peak,
    saved_activations: saved,
  } = design.given.totals;
  const kept = design.given.totals.saved_exact === false ? "kept for training, at least" : "kept for training";
  return [
    ["params", params],
    ["MACs", macs],
    ["activations", activations],
    ["of layers with MACs", ofMacs],
    ["alive at once, a planner’s minimum", peak],
    [kept, saved],
  ]
    .filter(([, n]) => n !== null && n !== undefined)
    .map(([term, n]) => h("div", null, h("dt", null, term), h("dd", { title: whole(n) }, short(n))));
}
