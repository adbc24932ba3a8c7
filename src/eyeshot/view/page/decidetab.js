// What is wrong for this image and these objects, and each move's before and after: all as Python found it.

import { chip, chips, layerButton } from "./controls.js";
import { fill, h } from "./dom.js";
import { reachOf } from "./reach.js";
import { column, named, number, numbers, row, scrollable, table } from "./tables.js";
import { NONE, relative, short, times } from "./words.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./document.js").DecideEntry} Decide */
/** @typedef {import("./document.js").MoveEntry} Move */

const MOST_LAYERS = 5;

/** @param {{pick: (layer: number) => void, setMove: (move: string) => void}} actions */
export function decidePanel(actions) {
  const [found, chosen, reach] = [h("div"), h("div", { class: "move", "aria-live": "polite" }), h("div")];
  const hint = h("p", { class: "hint" });
  const root = h("div", { class: "decide-tab" }, hint, found, chosen, reach);
  let key = "";
  let shown = "";

  /** @param {View} view */
  function update({ state, design }) {
    const entry = design.entry.decide ?? null;
    const now = `${state.design} ${state.edits}`;
    if (now !== key) {
      key = now;
      shown = "";
      hint.hidden = Boolean(entry && !state.edits);
      hint.textContent = entry ? "Of the design as it came, without what is tried." : "No advice on this design.";
      fill(found, entry ? [findings(entry, design), others(entry)] : null);
      fill(reach, entry ? reachOf(entry, design, actions.pick) : null);
      fill(chosen);
    }
    if (shown === state.move) return;
    shown = state.move;
    for (const each of /** @type {NodeListOf<HTMLElement>} */ (found.querySelectorAll("[data-move]")))
      each.setAttribute("aria-pressed", String(each.dataset.move === shown));
    const move = entry?.moves.find((each) => each.move === shown);
    fill(chosen, move ? moved(move, design) : null);
  }

  /** A button for a move; pressed again, it is let go. @param {string} move */
  function button(move) {
    const made = chip(move, () => actions.setMove(move === shown ? "" : move), { isPressed: false });
    made.dataset.move = move;
    return made;
  }

  /** @param {Decide} entry @param {Design} design */
  function findings(entry, design) {
    if (!entry.findings.length)
      return h("p", { class: "lead" }, h("strong", null, "Nothing is wrong: "), "no finding passes its threshold.");
    const made = new Set(entry.moves.map(({ move }) => move));
    return h(
      "ol",
      { class: "findings" },
      entry.findings.map(({ kind, says, layers, cure, published, moves }) =>
        h(
          "li",
          null,
          h("p", null, h("strong", null, kind), `: ${says}`),
          h("p", { class: "hint" }, layerNames(layers, design)),
          moves.length
            ? chips(
                `Moves that mend ${kind}`,
                "chips",
                moves.map((each) => (made.has(each.move) ? button(each.move) : facts(each, [["move", each.move]]))),
              )
            : h("p", null, cure),
          published.map((text) => h("p", { class: "hint" }, `Trained with and without: ${text}`)),
        ),
      ),
    );
  }

  /** @param {string[]} layers @param {Design} design */
  function layerNames(layers, design) {
    const left = layers.length - MOST_LAYERS;
    const names = layers.slice(0, MOST_LAYERS).map((name, i) => [i ? ", " : "", opener(name, design)]);
    return [names, left > 0 ? ` and ${left} more` : null];
  }

  /** A layer's name, which opens it where the page has it. @param {string} name @param {Design} design */
  function opener(name, design) {
    const at = design.index.get(name);
    return at === undefined ? name : layerButton(name, () => actions.pick(at));
  }

  /** Moves that no finding asks for, and those that do not apply. @param {Decide} entry */
  function others({ findings: all, moves, reasons }) {
    const asked = new Set(all.flatMap((each) => each.moves.map(({ move }) => move)));
    const left = moves.filter(({ move }) => !asked.has(move));
    const none = Object.entries(reasons).map(([move, why]) => h("li", null, h("strong", null, move), `: ${why}`));
    return [
      left.length
        ? chips(
            "Other moves that apply",
            "chips",
            h("span", { class: "control-title" }, "Other moves that apply"),
            left.map(({ move }) => button(move)),
          )
        : null,
      none.length
        ? h("details", null, h("summary", null, `${none.length} do not apply`), h("ul", { class: "meetings" }, none))
        : null,
    ];
  }

  /** A move's before and after. @param {Move} move @param {Design} design */
  function moved(move, design) {
    const [first, ...said] = move.says;
    const costs = ["sees", "params", "MACs", "elements"].map((words) => numbers(words));
    const heads = [column("layer"), costs, column("before"), column("after")];
    const rows = move.rows.map((each) => changedRow(each, design));
    return [
      h("h2", null, first),
      said.map((words) => h("p", null, words)),
      facts(move),
      move.command ? h("pre", { class: "code" }, move.command) : null,
      h("p", { class: "hint" }, `${rows.length} layers change; elements: what a layer writes for one image.`),
      scrollable("Layers before and after", table("quantities", "Layers that change", heads, rows)),
    ];
  }

  /** @param {import("./document.js").MovedRow} entry @param {Design} design */
  function changedRow([name, was, now, fields, ...costs], design) {
    return row(
      named(opener(name, design)),
      number(change(fields.map((field) => field ?? NONE))),
      costs.map((pair) => number(change(pair.map((n) => (n ? short(n) : NONE))))),
      h("td", null, was?.join(" → ") ?? NONE),
      h("td", null, now?.join(" → ") ?? "gone"),
    );
  }
  return { root, update };
}

/** What a move changes in all. @param {import("./document.js").Effect} effect @param {Array<[string, string]>} [first] */
function facts({ field, params, macs, peak_activations: alive }, first = []) {
  const costs = /** @type {Array<[string, [number, number]]>} */ ([
    ["params", params],
    ["MACs", macs],
    ["alive at once", alive],
  ]);
  return h(
    "dl",
    { class: "totals" },
    first.map(([term, words]) => fact(term, words)),
    fact("the last convolution sees", change(field.map((sizes) => times(sizes) || NONE))),
    costs.map(([term, [a, b]]) => fact(term, change([short(a), short(b)]), a === b ? "" : ` ${relative(b, a)}`)),
  );
}

/** Before and after, once where they are the same. @param {string[]} pair */
const change = ([a, b]) => (a === b ? a : `${a} → ${b}`);

/** @param {string} term @param {string} words @param {string} [more] */
const fact = (term, words, more = "") =>
  h("div", null, h("dt", null, term), h("dd", null, words, h("span", { class: "change" }, more)));
