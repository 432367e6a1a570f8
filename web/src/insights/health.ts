import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { span, when } from '../common/words'
import type { FeatureDrift, GetModelHealthResponse, HealthWindow } from '../gen/tidemark/v1/model_pb'
import { NOTHING, number, percent } from '../model/format'
import { Page } from '../page/page'
import { models } from './clients'
import { accuracy } from './model/target'
import { chance } from './model/words'

/** How a model fares since it serves: windows whose outcomes are known, and features that are no longer what it was trained on. */
@customElement('tm-model-health')
export class ModelHealth extends Page {
  @state() private health?: GetModelHealthResponse

  static override styles = [
    ...Page.styles,
    css`
      section {
        padding: var(--space-4);
      }
      section > p {
        margin: var(--space-2) 0 var(--space-3);
      }
      .panel .panel {
        box-shadow: none;
      }
      .panel .panel:last-child {
        margin-bottom: 0;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (changed.has('name')) void this.load()
  }

  override render() {
    const { health } = this
    return html`<section class="panel" aria-labelledby="title">
      <div class="row">
        <h2 id="title">How it fares</h2>
        ${health ? html`<span class="chip ${health.alarm ? 'bad' : 'good'}">${health.alarm ? 'should be trained anew' : 'no alarm'}</span>` : nothing}
        <span class="grow"></span>
        ${health?.checkTime ? html`<span class="muted small">looked at ${when(health.checkTime, this.session.zone)}</span>` : nothing}
      </div>
      ${this.trouble()}
      ${health ? html`<p>${health.summary}</p>` : nothing}
      ${health?.windows.length ? this.sheet('Windows whose outcomes are known', this.windows(health.windows)) : nothing}
      ${health?.drift.length ? this.sheet('Drift of the features', this.drift(health.drift)) : nothing}
      ${health && !health.windows.length ? html`<p class="muted small">No window is over yet: outcomes are known when its time has passed.</p>` : nothing}
    </section>`
  }

  private windows(windows: HealthWindow[]) {
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Points of</th>
          <th scope="col" class="number">AUC</th>
          <th scope="col" class="number">Brier score</th>
          <th scope="col">Accuracy (95%)</th>
          <th scope="col" class="number">AUC of the shadow</th>
          <th scope="col" class="number">Features drifted</th>
          <th scope="col">Error</th>
        </tr>
      </thead>
      <tbody>
        ${windows.map(
          ({ start, end, metrics, shadow, driftedShare, lossAlarm }) =>
            html`<tr>
              <td>${span(start, end, this.session.zone)}</td>
              <td class="number">${number(metrics?.auc, { decimals: 3 })}</td>
              <td class="number">${number(metrics?.brier, { decimals: 3 })}</td>
              <td class="text">${metrics ? accuracy(metrics) : NOTHING}</td>
              <td class="number">${number(shadow?.auc, { decimals: 3 })}</td>
              <td class="number">${percent(driftedShare, 0)}</td>
              <td>${lossAlarm ? html`<span class="chip bad">grown beyond chance</span>` : 'as before'}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private drift(features: FeatureDrift[]) {
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Feature</th>
          <th scope="col" class="number" title="Population stability index against training; above 0.2 is much">PSI</th>
          <th scope="col" class="number" title="Adjusted for the number of features">q-value</th>
          <th scope="col" class="number">Missing now</th>
          <th scope="col" class="number">Missing in training</th>
          <th scope="col">Verdict</th>
        </tr>
      </thead>
      <tbody>
        ${features.map(
          each =>
            html`<tr>
              <td class="text"><code>${each.feature}</code></td>
              <td class="number">${number(each.psi, { decimals: 2 })}</td>
              <td class="number">${chance(each.qValue)}</td>
              <td class="number">${percent(each.missingShare, 0)}</td>
              <td class="number">${percent(each.trainMissingShare, 0)}</td>
              <td>${each.drifted ? html`<span class="chip warn">drifted</span>` : 'as in training'}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private async load() {
    const { name } = this
    this.health = undefined
    await this.read(
      () => models.getModelHealth({ name }),
      found => (this.health = found),
    )
  }
}
