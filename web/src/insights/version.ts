import { LitElement, css, html, nothing, svg } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import { idOf, titleOf, when } from '../common/words'
import type { CalibrationBin, Candidate, FeatureImportance, ModelVersion } from '../gen/tidemark/v1/model_pb'
import { number, percent } from '../model/format'
import { styled } from '../tiles/styled'
import { ALGORITHMS, accuracy, figures } from './model/target'

/** What one version was measured to do, beside the others that were tried; what it looks at; how its probabilities hold; and what it
 * was made of. */
@customElement('tm-version')
export class Version extends LitElement {
  @property({ attribute: false }) version!: ModelVersion
  @property() zone = 'UTC'

  static override styles = [
    shared,
    css`
      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-4);
        padding: var(--space-4);
      }
      dl {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(190px, 1fr));
        gap: var(--space-2) var(--space-4);
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
      }
      dd {
        font-weight: 560;
        font-variant-numeric: tabular-nums;
        overflow-wrap: anywhere;
      }
      .beside {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(360px, 100%), 1fr));
        gap: var(--space-4);
        align-items: start;
      }
      .scroll {
        overflow-x: auto;
      }
      h3 {
        margin-bottom: 6px;
      }
      table {
        font-size: var(--text-small);
      }
      th,
      td {
        padding: 4px 6px;
      }
      td.bar {
        position: relative;
        width: 40%;
        min-width: 90px;
      }
      .rail {
        position: relative;
        height: 12px;
      }
      .rail i {
        position: absolute;
        inset: 0 auto 0 0;
        width: var(--to);
        border-radius: 2px;
        background: var(--c1);
      }
      .rail b {
        position: absolute;
        top: 5px;
        left: var(--from);
        width: var(--wide);
        height: 2px;
        background: var(--text);
      }
      svg.holds {
        width: 100%;
        max-width: 340px;
        font-size: 11px;
        overflow: visible;
      }
      svg.holds text {
        fill: var(--muted);
      }
      .axis {
        stroke: var(--line-strong);
        fill: none;
      }
      .perfect {
        stroke: var(--line-strong);
        stroke-dasharray: 4 4;
      }
      .bins {
        fill: var(--c1);
        stroke: var(--c1);
      }
      summary {
        cursor: pointer;
      }
      details dl {
        margin-top: var(--space-3);
      }
    `,
  ]

  override render() {
    const { name, verdict, metrics, candidates, importance, calibration } = this.version
    return html`<section class="panel" aria-labelledby="title">
      <div>
        <h2 id="title">Version ${idOf(name)}</h2>
        <p>${verdict}</p>
      </div>
      ${metrics ? html`<dl aria-label="How well it was measured to do">${figures(metrics).map(({ title, text, hint }) => html`<div title=${hint}><dt>${title}</dt><dd>${text}</dd></div>`)}</dl>` : nothing}
      ${candidates.length ? this.tried(candidates) : nothing}
      <div class="beside">
        ${importance.length ? this.importance(importance) : nothing} ${calibration.length ? this.calibration(calibration) : nothing}
      </div>
      ${this.origin()}
    </section>`
  }

  private tried(candidates: Candidate[]) {
    return html`<div class="scroll" role="region" aria-label="What was tried" tabindex="0">
      <table>
        <caption class="hidden-text">What was tried</caption>
        <thead>
          <tr>
            <th scope="col">What was tried</th>
            <th scope="col" class="number">AUC</th>
            <th scope="col" class="number">Lead over the rule (95%)</th>
            <th scope="col" class="number">Brier score</th>
            <th scope="col">Accuracy (95%)</th>
          </tr>
        </thead>
        <tbody>
          ${candidates.map(
            ({ algorithm, metrics: each }) =>
              html`<tr>
                <th scope="row">${titleOf(ALGORITHMS, algorithm)}</th>
                <td class="number">${number(each?.auc, { decimals: 3 })}</td>
                <td class="number">${each && each.leadUpper > each.leadLower ? `${number(each.leadLower, { decimals: 3 })} to ${number(each.leadUpper, { decimals: 3 })}` : '–'}</td>
                <td class="number">${number(each?.brier, { decimals: 3 })}</td>
                <td>${each ? accuracy(each) : nothing}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
  }

  private importance(features: FeatureImportance[]) {
    const most = Math.max(...features.map(({ upper, importance }) => Math.max(upper, importance)), 1e-9)
    const share = (value: number) => `${(100 * Math.max(0, value)) / most}%`
    return html`<div>
      <h3>What it looks at: AUC that is lost when a feature is shuffled</h3>
      <table>
        <thead class="hidden-text">
          <tr>
            <th scope="col">Feature</th>
            <th scope="col">As a bar</th>
            <th scope="col">Loss (95%)</th>
          </tr>
        </thead>
        <tbody>
          ${features.map(
            ({ feature, description, importance, lower, upper }) =>
              html`<tr>
                <td title=${feature}>${description || feature}</td>
                <td class="bar">
                  <div class="rail">
                    <i ${styled({ '--to': share(importance) })}></i>
                    <b ${styled({ '--from': share(lower), '--wide': share(Math.max(0, upper) - Math.max(0, lower)) })}></b>
                  </div>
                </td>
                <td class="number">${number(importance, { decimals: 3 })} (${number(lower, { decimals: 3 })} to ${number(upper, { decimals: 3 })})</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
  }

  /** Groups of predictions: where they stand on the diagonal, probabilities hold. */
  private calibration(bins: CalibrationBin[]) {
    const [x, y] = [(share: number) => 34 + 200 * share, (share: number) => 210 - 200 * share]
    const said = bins.map(
      ({ predicted, observed }) => `${percent(predicted, 0)} predicted, ${percent(observed, 0)} came`,
    )
    return html`<div>
      <h3>How its probabilities hold</h3>
      <svg class="holds" viewBox="0 0 250 240" role="img" aria-label="Of ten groups of equal size: ${said.join('; ')}">
        ${svg`
          <path class="axis" d="M34 10V210H234"></path>
          <line class="perfect" x1=${x(0)} y1=${y(0)} x2=${x(1)} y2=${y(1)}></line>
          ${[0, 0.5, 1].map(
            at => svg`
              <text x=${x(at)} y="224" text-anchor="middle">${percent(at)}</text>
              <text x="30" y=${y(at) + 4} text-anchor="end">${percent(at)}</text>`,
          )}
          <text x="134" y="238" text-anchor="middle">predicted (mean of a tenth)</text>
          <text x="40" y="18">came true</text>
          ${bins.map(({ predicted, observed, count }) => svg`<circle class="bins" cx=${x(predicted)} cy=${y(observed)} r="4"><title>${percent(predicted, 1)} predicted, ${percent(observed, 1)} came, of ${number(count)}</title></circle>`)}
        `}
      </svg>
    </div>`
  }

  private origin() {
    const { version, zone } = this
    const {
      trainRows,
      trainStart,
      trainEnd,
      testStart,
      testEnd,
      columns,
      dataSha256,
      dataVersion,
      modelSha256,
      seed,
    } = version
    const span = (from: typeof trainStart, to: typeof trainEnd) => `${when(from, zone)} to ${when(to, zone)}`
    const facts: [string, string][] = [
      ['Learnt from points of', span(trainStart, trainEnd)],
      ['Tested on points of', span(testStart, testEnd)],
      ['Rows learnt from', number(trainRows)],
      ['Features', number(columns.length)],
      ['Seed', number(seed)],
      ['Version of the data', dataVersion],
      ['SHA-256 of the table', dataSha256],
      ['SHA-256 of the model', modelSha256],
    ]
    return html`<details>
      <summary>What it was made of</summary>
      <dl>${facts.map(([title, text]) => html`<div><dt>${title}</dt><dd>${text || '–'}</dd></div>`)}</dl>
    </details>`
  }
}
