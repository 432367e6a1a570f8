import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query } from 'lit/decorators.js'
import { Page } from '../page/page'
import { Following } from '../common/following'
import { bar } from '../common/progress'
import { models } from './clients'

/** Trains a model and follows it, whoever began it. Takes the full name of the model; dispatches `tm-trained` when one has ended. */
@customElement('tm-training')
export class Training extends Page {
  @query('input') private shadow?: HTMLInputElement
  private readonly work: Following = new Following(
    this,
    what => this.act(what),
    () => this.dispatchEvent(new CustomEvent('tm-trained')),
  )

  static override styles = [
    ...Page.styles,
    css`
      section {
        display: grid;
        gap: var(--space-2);
        padding: var(--space-3) var(--space-4);
      }
      .problem {
        margin: 0;
      }
      progress {
        flex: 1 1 200px;
        accent-color: var(--accent);
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (changed.has('name')) void this.work.find(this.name)
  }

  override render() {
    const { work, session } = this
    const failure = work.now?.failure
    if (!work.working && !session.author && !failure) return nothing
    return html`<section class="panel" aria-label="Training">
      ${this.trouble()} ${failure ? html`<p class="problem" role="alert">Not trained: ${failure}</p>` : nothing}
      ${work.working ? bar('How far the training is', work, session.author) : session.author ? this.begin() : nothing}
    </section>`
  }

  private begin() {
    return html`<div class="row">
      <label class="check"><input type="checkbox" /> Let it run in shadow until it has proven better on outcomes to come</label>
      <span class="grow"></span>
      <button class="primary" ?disabled=${this.busy} @click=${this.train}>Train a version</button>
    </div>`
  }

  private train = async () => {
    const request = { name: this.name, shadow: this.shadow?.checked ?? false, requestId: crypto.randomUUID() }
    await this.act(async () => this.work.take((await models.trainModel(request)).operation))
  }
}
