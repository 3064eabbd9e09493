/** What a metric is called, what it means, and how the values of several processes become one. */

/** Counters and histograms always add up. A gauge says what is wanted of several. */
export type GaugeMerge = 'sum' | 'max' | 'min';

interface Described<Label extends string> {
  readonly name: string;
  readonly help: string;
  /** What one step of the value is: `seconds`, `bytes`, `requests`. */
  readonly unit: string;
  readonly labels: readonly Label[];
  /** Label sets beyond this are counted together, with `other` in every label. */
  readonly maxSeries?: number;
}

export interface CounterDefinition<Label extends string = string> extends Described<Label> {
  readonly type: 'counter';
}

export interface GaugeDefinition<Label extends string = string> extends Described<Label> {
  readonly type: 'gauge';
  readonly merge: GaugeMerge;
}

export interface HistogramDefinition<Label extends string = string> extends Described<Label> {
  readonly type: 'histogram';
  /** Upper ends of the buckets, ascending; the one without an end is implied. */
  readonly bounds: readonly number[];
}

export type MetricDefinition<Label extends string = string> =
  | CounterDefinition<Label>
  | GaugeDefinition<Label>
  | HistogramDefinition<Label>;
