import type { Timestamp } from '@bufbuild/protobuf/wkt'
import { LitElement, css, html, nothing } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import { titleOf } from '../common/words'
import type {
  ForecastError,
  MethodError,
  SeriesBacktest,
  SeriesForecast,
} from '../gen/tidemark/v1/forecast_pb'
import { number, percent, quantity } from '../model/format'
import { groupOf } from '../model/measures'
import type { Chart, Line } from '../model/series'
import './band'
import { backtest, forecast } from './model/band'
import { METHODS } from './model/words'

/** One series and how it goes on, with its error beside that of the baseline; and how it would have been forecast before. */
@customElement('tm-forecast-series')
export class ForecastSeries extends LitElement {
  @property({ attribute: false }) past!: Chart
  /** The series in the past; undefined where it is not among those that were drawn. */
  @property({ attribute: false }) line?: Line
  /** How many buckets of the past had ended. */
  @property({ attribute: false }) ended = 0
  @property({ attribute: false }) starts: Timestamp[] = []
  @property({ attribute: false }) series!: SeriesForecast
  @property({ attribute: false }) tested?: SeriesBacktest
  @property() zone = 'UTC'

  static override styles = [
    shared,
    css`
      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-2);
        padding: var(--space-3) var(--space-4);
      }
      tm-band {
        height: 280px;
      }
      .scroll {
        overflow-x: auto;
      }
      table {
        font-size: var(--text-small);
      }
      td,
      th {
        padding: 5px 8px;
        white-space: nowrap;
      }
      ul {
        margin: 0;
        padding-left: 18px;
      }
    `,
  ]

  override render() {
    const { series, line, zone, tested } = this
    const title = line?.label ?? (groupOf(series.group, series.other) || series.measureId)
    const band = forecast(this.past, line, this.ended, this.starts, series)
    return html`<section class="panel" aria-labelledby="title">
      <h2 id="title">${title}</h2>
      <tm-band .band=${{ ...band, label: title }} .zone=${zone}></tm-band>
      <p>${this.method()} ${this.verdict()}</p>
      ${this.errors()}
      ${series.notes.length ? html`<ul class="muted small">${series.notes.map(note => html`<li>${note}</li>`)}</ul>` : nothing}
      ${tested ? this.test(tested, title) : nothing}
    </section>`
  }

  private method() {
    const { method, members, seasons } = this.series
    const of = members.length ? ` of ${members.map(each => titleOf(METHODS, each)).join(', ')}` : ''
    const every = seasons.length ? `, seasons of ${seasons.join(' and ')} buckets` : ', no season'
    return html`<strong>${titleOf(METHODS, method)}</strong>${of}${every}.`
  }

  private verdict() {
    const { error, baseline } = this.series
    if (!error) return 'Its past is too short for an error to be measured: there is no band.'
    if (!baseline || !(baseline.wape > 0)) return nothing
    const less = 1 - error.wape / baseline.wape
    if (Math.abs(less) < 0.005) return 'It does as well as the baseline.'
    return less > 0
      ? `It errs ${percent(less, 0)} less than the baseline.`
      : `It errs ${percent(-less, 0)} more than the baseline: do not rely on it.`
  }

  private errors() {
    const { error, baseline } = this.series
    if (!error) return nothing
    return this.table('Error measured on its own past', [
      ['This forecast', error],
      [`Baseline (${this.series.seasons.length ? 'the value one season ago' : 'the last value'})`, baseline],
    ])
  }

  private test({ error, baseline, methods, points }: SeriesBacktest, title: string) {
    const own = (each: MethodError): [string, ForecastError | undefined] => [
      titleOf(METHODS, each.method),
      each.error,
    ]
    return html`
      <h3>Back-test</h3>
      <tm-band .band=${backtest(`${title}, as it became`, this.series.unit, points)} .zone=${this.zone}></tm-band>
      ${this.table('Errors of the back-test', [['As chosen at each instant', error], ['Baseline', baseline], ...methods.map(own)])}
    `
  }

  private table(label: string, rows: [string, ForecastError | undefined][]) {
    return html`<div class="scroll" role="region" aria-label=${label} tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">${label}</th>
            <th scope="col" class="number" title="Sum of absolute errors over sum of absolute truths">WAPE</th>
            <th scope="col" class="number" title="Mean absolute error over that of the seasonal naive method">MASE</th>
            <th scope="col" class="number" title="Mean absolute error">MAE</th>
            <th scope="col" class="number" title="Share of truths inside of the band">In the band</th>
            <th scope="col" class="number">Instants</th>
            <th scope="col" class="number">Truths</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(([name, error]) => (error ? this.row(name, error) : nothing))}
        </tbody>
      </table>
    </div>`
  }

  private row(name: string, { wape, mase, mae, coverage, origins, count }: ForecastError) {
    return html`<tr>
      <th scope="row">${name}</th>
      <td class="number">${percent(wape, 1)}</td>
      <td class="number">${number(mase, { decimals: 2 })}</td>
      <td class="number">${quantity(mae, { unit: this.series.unit })}</td>
      <td class="number">${percent(coverage, 0)}</td>
      <td class="number">${number(origins)}</td>
      <td class="number">${number(count)}</td>
    </tr>`
  }
}
