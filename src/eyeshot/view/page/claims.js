// Published claims that bear on the design, and what came out when they were tried: all in Python's words.

import { layerButton } from "./controls.js";
import { fill, h, s } from "./dom.js";
import { column, named, number, numbers, row, scrollable, stacked, table } from "./tables.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./document.js").ClaimEntry} Claim */

const MOST_LAYERS = 5;
const [WIDTH, HIGH] = [104, 16];

/** @param {import("./document.js").PageDocument} page @param {{pick: (layer: number) => void}} actions */
export function claimsPanel(page, actions) {
  const root = h("div", { class: "claims-tab" });
  let key = "";

  /** @param {View} view */
  function update({ state, design }) {
    const now = `${state.design} ${Boolean(state.edits)}`;
    if (now === key) return;
    key = now;
    const claims = design.entry.published ?? [];
    fill(
      root,
      state.edits ? h("p", { class: "hint" }, "Of the design as it came, without what is tried.") : null,
      claims.length
        ? h("p", null, page.claims ?? "")
        : h("p", { class: "lead" }, "No published claim that was tried bears on it."),
      claims.map((claim) => told(claim, design)),
    );
  }

  /** @param {Claim} claim @param {Design} design */
  function told({ name, title, claim, source, layers, outcomes }, design) {
    const left = layers.length - MOST_LAYERS;
    const names = layers.slice(0, MOST_LAYERS).map((layer, i) => [i ? ", " : "", opener(layer, design)]);
    const heads = [column("if it holds"), column("verdict"), numbers("measured"), h("td")];
    const rows = outcomes.map(({ says, amount, ends, confidence, verdict, at }) =>
      row(
        named(says, "claim-says"),
        h("td", { class: "claim-says" }, h("strong", null, verdict)),
        number([amount, at.length > 2 ? h("span", { class: "claim-over" }, `${ends} at ${confidence}`) : null]),
        h("td", { class: "claim-drawn" }, drawn(at)),
      ),
    );
    return h(
      "section",
      { class: "claim" },
      h("h2", null, title),
      h("p", null, claim),
      h(
        "p",
        { class: "hint" },
        layers.length ? ["Here of ", names, left > 0 ? ` and ${left} more.` : "."] : "Of the network as a whole.",
      ),
      scrollable(title, stacked(table("quantities", `What came out, findings/${name}`, heads, rows))),
      h("p", { class: "hint" }, `Source: ${source}`),
    );
  }

  /** A layer's name, which opens it where the page has it. @param {string} name @param {Design} design */
  function opener(name, design) {
    const at = design.index.get(name);
    return at === undefined ? name : layerButton(name, () => actions.pick(at));
  }
  return { root, update };
}

/** The mean and its interval beside what they are held against, which the words before say too.
 *  @param {number[]} at */
function drawn([limit, mean, ...ends]) {
  const all = [limit, mean, ...ends];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const x = (/** @type {number} */ value) => 6 + ((value - low) / (high - low || 1)) * (WIDTH - 12);
  return s(
    "svg",
    { width: WIDTH, height: HIGH, viewBox: `0 0 ${WIDTH} ${HIGH}`, "aria-hidden": "true" },
    s("path", { class: "claim-limit", d: `M${x(limit)} 1V${HIGH - 1}` }),
    ends.length ? s("path", { class: "claim-ends", d: `M${x(ends[0])} ${HIGH / 2}H${x(ends[1])}` }) : null,
    s("circle", { class: "claim-mean", cx: x(mean), cy: HIGH / 2, r: 3.5 }),
  );
}
