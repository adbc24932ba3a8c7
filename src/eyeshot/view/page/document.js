// The document that a page holds, as eyeshot/view/document.py writes it: its types alone, nothing of which is shipped.
// Numbers that name a layer count the design's nodes; what is as usual is left out.

/**
 * @typedef {object} PageDocument
 * @property {string} schema eyeshot.page/1
 * @property {string} version of eyeshot
 * @property {DesignEntry[]} designs the first is the one that others are compared to
 * @property {Comparison | null} comparison
 * @property {Evidence | null} evidence
 * @property {Measured[]} effective measured effective fields
 * @property {string | null} image a picture for the input, as a data URI
 * @property {string} [claims] at what scale published claims were tried, and what verdicts say
 */

/**
 * @typedef {object} DesignEntry
 * @property {string} name
 * @property {string} source
 * @property {string} typed what names it in a command
 * @property {number} input
 * @property {Record<string, number>} [modules] the layers that make what modules give
 * @property {number[]} axes of the input's tensor, that the image has
 * @property {NodeEntry[]} nodes in the order in which they run
 * @property {RelationEntry[]} relations told once each
 * @property {LineEntry[]} lines of the folded ledger
 * @property {Record<string, string>} rules what begins at a line, by its first layer
 * @property {boolean} gates whether there are gates or statistics
 * @property {boolean} apart whether channels may see differently
 * @property {number} start the layer that the page opens with
 * @property {Totals} totals
 * @property {Array<{layer: string | null, kind: string, text: string}>} notes
 * @property {{heads: string[], rows: string[][], layers: number[]} | null} [outputs] the table of `eyeshot show`
 * @property {TilesEntry | null} [tiles] how the image is run piece by piece, where that was asked for
 * @property {DecideEntry | null} [decide] what is wrong and what moves make of it, where that was asked for
 * @property {ClaimEntry[]} [published] claims that bear on it, where some do
 */

/**
 * @typedef {object} ClaimEntry a published claim with what came out of its studies
 * @property {string} name of its folder in findings/
 * @property {string} title
 * @property {string} claim
 * @property {string} source
 * @property {string[]} layers that it is about; none where it is about the network as a whole
 * @property {OutcomeEntry[]} outcomes
 */

/**
 * @typedef {object} OutcomeEntry
 * @property {string} study
 * @property {string} says what comes out if the claim holds
 * @property {string} amount
 * @property {string} ends of the interval
 * @property {string} confidence
 * @property {string} verdict
 * @property {number[]} at what the interval is held against, the mean, and the interval's ends where there is one
 */

/**
 * @typedef {object} DecideEntry
 * @property {Array<FindingEntry>} findings the costliest first
 * @property {Array<{layer: string, stride: number, field: number, used: number | null}>} maps before the outputs, pixels
 * @property {[number, number] | null} ends the smallest and the largest object, pixels
 * @property {Array<{low: number, share: number, suits: string}>} bins annotated objects from a size on to twice that
 * @property {Record<string, number>} left_out objects by reason
 * @property {MoveEntry[]} moves that apply, made and read back
 * @property {Record<string, string>} reasons why others do not, by move
 */

/**
 * @typedef {object} FindingEntry
 * @property {string} kind
 * @property {string} says
 * @property {string[]} layers
 * @property {string | null} cure where no move is one
 * @property {string[]} published what training without the fault gave
 * @property {Effect[]} moves
 */

/**
 * @typedef {object} Effect of a move, before and after
 * @property {string} move
 * @property {[number[], number[]]} field of the last convolution, along the data path
 * @property {[number, number]} params
 * @property {[number, number]} macs
 * @property {[number, number]} peak_activations
 */

/** @typedef {Effect & {command: string | null, says: string[], rows: MovedRow[]}} MoveEntry */

/**
 * A layer that a move changes: its name; op and map, what it sees, params, MACs and elements, before and after.
 * @typedef {[
 *   name: string, was: [string, string] | null, now: [string, string] | null, fields: Array<string | null>,
 *   params: number[], macs: number[], elements: number[],
 * ]} MovedRow
 */

/**
 * @typedef {object} TilesEntry
 * @property {string[]} layers whose outputs the tiles deliver
 * @property {Array<{layer: string, op: string, why: string, cure: string}>} prevents what keeps tiles from being equal
 * @property {LaneEntry[]} lanes one for each axis of the image
 * @property {number[]} tile the usual one
 * @property {Array<[halo: number, error: number]>} errors of halos, the exact one last
 * @property {Array<[macs: number, grows: number[][]]>} work MACs and, per axis, how they grow with the tile
 */

/**
 * @typedef {object} LaneEntry an axis that is cut
 * @property {number} n its pixels
 * @property {number} lattice tiles and cores begin at multiples of it
 * @property {number} before halo
 * @property {number} after halo
 * @property {number} residue what tiles' sizes leave when divided by the lattice
 * @property {number} least the smallest last tile
 */

/**
 * @typedef {object} NodeEntry
 * @property {string} name
 * @property {string} op
 * @property {string} words
 * @property {number[]} shape
 * @property {Array<[source: number, relation: number, gate?: number]>} reads
 * @property {Array<number | null>} places the tensor's axis of each axis of the image
 * @property {OpForm} [form]
 * @property {number} [params]
 * @property {number} [macs]
 * @property {1} [view] it writes nothing
 * @property {number} [units] how many units lie otherwise than on a map, as tokens do
 * @property {number[]} [size] of the field; these as in FieldEntry
 * @property {Array<number | null>} [stride]
 * @property {Array<number | null>} [start]
 * @property {1} [irregular]
 * @property {1} [global]
 * @property {1} [bound]
 * @property {Array<"before" | "after" | null>} [sides]
 * @property {FieldEntry} [data] the field along the data path, where it is another
 * @property {Why[]} [why]
 * @property {Why[]} [data_why]
 * @property {[number, number]} [gate]
 */

/**
 * @typedef {object} FieldEntry
 * @property {number[]} [size]
 * @property {Array<number | null>} [stride]
 * @property {Array<number | null>} [start]
 * @property {1} [irregular]
 * @property {1} [global]
 * @property {1} [bound]
 * @property {Array<"before" | "after" | null>} [sides] where each unit sees all on one side of its place
 */

/**
 * @typedef {object} Why the recurrence's step at a layer
 * @property {number} from the layer before
 * @property {number} size
 * @property {number} [lost] the layer from which on no sum makes the number
 * @property {[number, number, number]} [window] kernel, stride, dilation
 * @property {number} [all] positions, where all are read
 * @property {string} [jump]
 * @property {string} [adds]
 * @property {Array<[number, number]>} [meeting] layers and what they see
 */

/**
 * @typedef {object} RelationEntry
 * @property {string} kind
 * @property {number[]} [axes]
 * @property {number[]} [kernel]
 * @property {number[]} [stride]
 * @property {number[]} [dilation]
 * @property {Array<[number, number]>} [padding]
 * @property {number[]} [base]
 * @property {number} [groups]
 * @property {Array<Array<number | number[]>>} [reads] per axis and output the position read, or runs of positions
 * @property {number} [axis]
 * @property {number} [offset]
 * @property {number[]} [order]
 * @property {boolean} [keep]
 * @property {1} [runs] the window is as long as the axis is, as that of a layer that reads all positions before
 */

/**
 * @typedef {object} OpForm what an op's output shape and cost follow from, besides its relations
 * @property {string} [type]
 * @property {number} [groups]
 * @property {boolean} [bias]
 * @property {boolean} [ceil]
 * @property {number[]} [size]
 * @property {string} [mode]
 * @property {Array<[number, number]>} [padding]
 * @property {number} [axis]
 * @property {number} [shift]
 * @property {number} [step]
 * @property {Array<[number, number]>} [steps] fractions
 * @property {boolean} [aligned]
 * @property {boolean} [antialiased]
 * @property {string} [name]
 */

/** @typedef {{name: string, op: string, layers: number[], blocks?: number, members?: LineEntry[]}} LineEntry */

/**
 * @typedef {object} Totals
 * @property {number} params
 * @property {number} macs
 * @property {number} activations
 * @property {number} [mac_activations]
 * @property {number | null} peak_activations
 * @property {number} [saved_activations]
 * @property {boolean} [saved_exact]
 */

/**
 * @typedef {object} Comparison
 * @property {string[]} labels
 * @property {Array<{name: string, group: string, texts: string[], changes: string[]}>} quantities
 * @property {string[]} sentences
 * @property {Array<{role: string, nodes: Array<number | null>}>} layers
 */

/** @typedef {{interval: [number, number], confidence: number}} Interval */

/**
 * @typedef {object} Arm
 * @property {string} label
 * @property {number} mean
 * @property {Interval | null} seeds where the mean of other seeds would be
 * @property {Interval | null} seeds_and_images where it would be on other images too
 * @property {Record<string, number>} scores
 */

/** @typedef {{heads: string[], rows: string[][], says: string[]}} MeasuresTable as `eyeshot study show` prints it */
/** @typedef {{terms: string, verdict: string, arms: Arm[], measured: MeasuresTable | null}} Evidence of trained designs */

/**
 * @typedef {object} Measured
 * @property {string} network
 * @property {string} layer
 * @property {string} source
 * @property {string | null} measure
 * @property {number[] | null} unit null for the mean over units
 * @property {{images: number | null, seeds: number | null, weights: unknown}} runs
 * @property {boolean} gates
 * @property {number[]} start
 * @property {number[]} shape
 * @property {Record<string, Array<[number, number]>>} boxes by the share that they hold, in per cent
 * @property {number[]} levels the map, its greatest weight being 65,535
 */

export {};
