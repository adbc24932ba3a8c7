// The lesson: an article that is whole without scripts, and on each step's stage its designs are tried.

import { chips, offer } from "./controls.js";
import { costPanel } from "./cost.js";
import { h, whenColoursChange } from "./dom.js";
import { estimator } from "./estimate.js";
import { fieldTab } from "./fieldtab.js";
import { holding, trying } from "./held.js";
import { ledgerPanel } from "./ledger.js";
import { designFrom } from "./network.js";
import { actionsOf } from "./selection.js";
import { sentencePanel } from "./sentence.js";
import { startOf } from "./state.js";
import { steppersPanel } from "./steppers.js";
import { tabsOf } from "./tabs.js";
import { viewOf } from "./view.js";
import { whyPanel } from "./why.js";

/** @typedef {import("./state.js").State} State */

/**
 * A step's stage: one selection of one of its designs, shown as the explorer page shows it, with a small ledger.
 * @param {import("./network.js").Design[]} designs of all steps @param {Array<{design: number, name: string}>} choices
 */
function stageOf(designs, choices) {
  const [{ design: first }] = choices;
  const designOf = trying(designs);
  const held = holding(startOf(designs, first, "field"), designOf, draw);
  const { set } = held;
  const actions = {
    ...actionsOf(() => held.state, set, held.look, designOf),
    choose: (/** @type {number} */ design) => set(startOf(designs, design, held.state.tab)),
  };
  const chosen = chips("Design to try");
  const answers = choices.map(({ design, name }) => /** @type {const} */ ([design, name]));
  const sentence = sentencePanel();
  const ledger = ledgerPanel(actions);
  const tabs = tabsOf(
    [
      { id: "field", name: "Field", panel: fieldTab(actions, null, steppersPanel(actions, designs, startIn)) },
      { id: "cost", name: "Cost", panel: costPanel(actions) },
      { id: "why", name: "Why", panel: whyPanel(actions) },
    ],
    (tab) => set({ tab }),
  );
  const split = h("div", { class: "split" }, ledger.root, tabs.root);
  const root = h("div", { class: "stage" }, choices.length > 1 ? chosen : null, sentence.root, split);
  const estimate = estimator(held.due);

  /** @param {State} shown @param {boolean} isPreview */
  function draw(shown, isPreview) {
    const view = viewOf(shown, designOf(shown.design, shown.edits), isPreview, (design, at, unit) =>
      estimate(design, `${held.state.design} ${held.state.edits}`, at, unit),
    );
    if (!isPreview) offer(chosen, answers, shown.design, actions.choose);
    sentence.update(view);
    ledger.update(view);
    tabs.update(view);
  }
  return {
    root,
    designs,
    get state() {
      return held.state;
    },
    set,
    render: held.render,
  };
}

/** The layer that an exercise watches: the one that the stage opens with. */
const startIn = (/** @type {import("./network.js").Design} */ design) => design.entry.start;

/**
 * Give what has an id on one stage another on each, so that labels lead to their own controls; its regions are of a step.
 * @param {HTMLElement} root @param {string} name @param {string} step
 */
function setApart(root, name, step) {
  for (const region of root.querySelectorAll("section, [role=region]")) {
    region.setAttribute("aria-label", `${region.getAttribute("aria-label")}: ${step}`);
  }
  for (const attribute of ["id", "aria-controls", "aria-labelledby", "aria-describedby"]) {
    for (const element of root.querySelectorAll(`[${attribute}]`)) {
      element.setAttribute(attribute, `${name}-${element.getAttribute(attribute)}`);
    }
  }
}

/** Start when the document is there; the article stays as it is where that fails. */
function start() {
  const page = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("eyeshot-document")).textContent ?? "");
  /** @type {import("./network.js").Design[]} */
  const designs = page.designs.map(designFrom);
  /** @type {Record<string, ReturnType<typeof stageOf>>} */
  const stages = {};
  for (const slot of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-choices]"))) {
    const stage = stageOf(designs, JSON.parse(slot.dataset.choices ?? "[]"));
    const step = /** @type {HTMLElement} */ (slot.closest("section"));
    const name = step.id;
    stages[name] = stage;
    setApart(stage.root, name, step.querySelector("h2")?.textContent ?? name);
    slot.append(stage.root);
    slot.hidden = false;
    stage.render();
  }
  whenColoursChange(() => {
    for (const stage of Object.values(stages)) stage.set({});
  });
  Object.assign(globalThis, { eyeshot: { designs, stages } });
}

start();
