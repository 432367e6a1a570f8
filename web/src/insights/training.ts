import { html, nothing, css, type PropertyValues } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import type { Operation } from '../gen/google/longrunning/operations_pb'
import { percent } from '../model/format'
import { Page } from '../page/page'
import { models, operations } from './clients'
import { type Progress, progress } from './model/operation'

/** So often it is asked how far a training is, in milliseconds. */
const EVERY = 1_000

/** Trains a model and follows it, whoever began it. Takes the full name of the model; dispatches `tm-trained` when one has ended. */
@customElement('tm-training')
export class Training extends Page {
  @state() private progress?: Progress
  @query('input') private shadow?: HTMLInputElement
  private timer?: ReturnType<typeof setTimeout>

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

  override disconnectedCallback() {
    super.disconnectedCallback()
    clearTimeout(this.timer)
  }

  override willUpdate(changed: PropertyValues) {
    if (changed.has('name')) void this.find()
  }

  override render() {
    const { progress: now, session } = this
    const working = now && !now.done
    if (!working && !session.author && !now?.failure) return nothing
    return html`<section class="panel" aria-label="Training">
      ${this.trouble()} ${now?.done && now.failure ? html`<p class="problem" role="alert">Not trained: ${now.failure}</p>` : nothing}
      ${working ? this.working(now) : session.author ? this.begin() : nothing}
    </section>`
  }

  private working({ share, step, stopping }: Progress) {
    return html`<div class="row">
      <progress aria-label="How far the training is" max="1" value=${share}></progress>
      <span role="status">${percent(share, 0)} · ${stopping ? 'stopping' : step}</span>
      ${this.session.author ? html`<button ?disabled=${stopping} @click=${this.cancel}>Cancel</button>` : nothing}
    </div>`
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
    await this.act(async () => this.take((await models.trainModel(request)).operation))
  }

  private cancel = async () => {
    const { name } = this.progress ?? {}
    if (name) await this.act(async () => this.take((await operations.cancelOperation({ name })).operation))
  }

  /** Looks whether one is under way already. */
  private async find() {
    const [project = ''] = /^projects\/[^/]+/.exec(this.name) ?? []
    this.progress = undefined
    await this.act(async () => {
      const { operations: all } = await operations.listOperations({
        parent: project,
        target: this.name,
        pageSize: 10,
      })
      const under = all.find(each => !each.done)
      if (under) this.take(under)
    })
  }

  private take(operation: Operation | undefined) {
    clearTimeout(this.timer)
    if (!operation || !this.isConnected) return
    const before = this.progress
    this.progress = progress(operation)
    if (!this.progress.done) this.timer = setTimeout(() => void this.look(operation.name), EVERY)
    else if (before && !before.done) this.dispatchEvent(new CustomEvent('tm-trained'))
  }

  private async look(name: string) {
    const well = await this.act(async () => this.take((await operations.getOperation({ name })).operation))
    if (!well && this.isConnected) this.timer = setTimeout(() => void this.look(name), 5 * EVERY)
  }
}
