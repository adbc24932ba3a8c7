// Objects over what maps see: the outputs' maps and the lines of the ledger, each from its stride to its field.

import { layerButton } from "./controls.js";
import { h, s } from "./dom.js";
import { shownOf } from "./network.js";
import { bar, column, named, number, numbers, row, scrollable, table } from "./tables.js";
import { NONE, fraction, percent, plain, whole } from "./words.js";

/** @typedef {import("./document.js").DecideEntry} Decide */
/** @typedef {{layer: string, at?: number, stride: number, field: number, used: number | null}} Reach */

/** @param {Decide} entry @param {import("./network.js").Design} design @param {(layer: number) => void} pick */
export function reachOf({ maps, ends, bins, left_out: left }, design, pick) {
  const ledger = design.lines.flatMap((line) => reachOfLine(line, design));
  const outputs = maps.map((map) => ({ ...map, at: design.index.get(map.layer) }));
  const most = Math.max(...[...outputs, ...ledger].map(({ field }) => field), ends?.[1] ?? 0, 2);
  /** Where a size stands on a scale on which each doubling is as wide. @param {number} pixels */
  const place = (pixels) => (100 * Math.log2(Math.max(pixels, 1))) / Math.log2(most);
  /** @param {string} kind @param {number} low @param {number} high @param {number} y */
  const part = (kind, low, high, y) =>
    s("rect", { class: kind, x: place(low), width: Math.max(place(high) - place(low), 0.5), y, height: 10 - 2 * y });
  /** @param {Reach} map */
  const line = ({ layer, at, stride, field, used }) =>
    row(
      named(at === undefined ? layer : layerButton(layer, () => pick(at))),
      number(fraction(stride, 99)),
      number(whole(field)),
      number(used === null ? NONE : plain(used, 0)),
      h(
        "td",
        { class: "reach-cell" },
        s(
          "svg",
          { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
          part("reach-sees", stride, field, 2),
          used === null ? null : part("reach-uses", Math.min(stride, used), used, 4),
          ends ? part("reach-objects", ends[0], ends[1], 0) : null,
        ),
      ),
    );
  const between = h("td", { colspan: 5 }, "lines of the ledger");
  const heads = [column("map"), numbers("stride"), numbers("sees"), numbers("uses"), column(`1 to ${pixels(most)} px`)];
  const told = ends ? `the band: objects of ${ends.map(pixels).join("–")}` : "with --objects, a band where those lie";
  const hint =
    "Pixels along the data path, each doubling as wide; bars from the stride to what a unit sees, " +
    `inside them 95 % of what it uses; ${told}.`;
  const rows = [outputs.map(line), row(between), ledger.map(line)];
  return [
    h("h2", null, "Objects over what the maps see"),
    h("p", { class: "hint" }, hint),
    scrollable("Maps", table("quantities reach", "Outputs, then the ledger", heads, rows)),
    bins.length ? scrollable("Objects by size", binsTable(bins)) : null,
    Object.entries(left).map(([why, n]) => h("p", { class: "hint" }, `left out: ${whole(n)} ${why}`)),
  ];
}

/**
 * A line of the ledger, where its units step by some pixels.
 * @param {import("./document.js").LineEntry} line @param {import("./network.js").Design} design @returns {Reach[]}
 */
function reachOfLine(line, design) {
  const at = shownOf(line);
  const { stride, size } = design.nodes[at].data;
  const steps = (stride ?? []).flatMap((step) => step ?? []);
  if (!steps.length) return [];
  return [{ layer: line.name, at, stride: Math.max(...steps), field: Math.min(...size), used: null }];
}

/** A size of objects, to three digits at least. @param {number} size */
const pixels = (size) => whole(size < 100 ? Number(size.toPrecision(3)) : Math.round(size));

/** @param {Decide["bins"]} bins */
function binsTable(bins) {
  const most = Math.max(...bins.map(({ share }) => share));
  const heads = [column("pixels"), column("share"), column("maps that suit")];
  const rows = bins.map(({ low, share, suits }) =>
    row(named(`${low}–${2 * low}`), bar(share / most, h("span", null, percent(share))), h("td", null, suits)),
  );
  return table("bars", "Objects by the root of their area; a map suits by its stride and field", heads, rows);
}
