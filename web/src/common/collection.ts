import { type PropertyValues, type TemplateResult, css, html, nothing } from 'lit'
import { query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { Page } from '../page/page'
import { idOf } from './words'

/** What a column shows of each thing; the first one shows its title. */
export type Column<T> = { title: string; of: (each: T) => unknown; kind?: 'text' | 'number' }

/** What a page says about its things. */
export type Wording = {
  title: string
  /** One of them. */
  one: string
  about: unknown
  /** What to do where there are none, for who may make one and for who may not. */
  none: readonly [string, string]
  /** What deleting one means. */
  loss: string
}

/** A page of things that are listed in a table, made in a dialog, and deleted after a question. */
export abstract class Collection<T extends { name: string; displayName: string }> extends Page {
  @state() protected all?: T[]
  @state() private leaving?: T
  @query('#create') private creating!: HTMLDialogElement
  @query('#delete') private deleting!: HTMLDialogElement

  protected abstract readonly wording: Wording
  protected abstract readonly columns: readonly Column<T>[]
  /** Whether whoever looks may make and delete. */
  protected abstract get may(): boolean
  /** What the form asks beside the name. */
  protected abstract form(): TemplateResult
  /** Asks the server for all of them. */
  protected abstract load(): Promise<void>
  /** Makes one of what is written in the form, which is asked by the names of its fields. */
  protected abstract create(text: (name: string) => string): Promise<void>
  protected abstract forget(name: string): Promise<unknown>

  static override styles = [
    ...Page.styles,
    css`
      dialog form {
        width: min(460px, 80vw);
      }
      .actions {
        flex-wrap: nowrap;
        justify-content: flex-end;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    const { title, one, about } = this.wording
    return html`
      <header class="row">
        <h1>${title}</h1>
        <span class="grow"></span>
        ${this.may ? html`<button class="primary" @click=${() => this.creating.showModal()}>${icon('add')} New ${one}</button>` : nothing}
        <p class="muted">${about}</p>
      </header>
      ${this.trouble()} ${this.above()} ${this.sheet(title, this.body())} ${this.below()} ${this.may ? this.dialogs() : nothing}
    `
  }

  /** What stands above the table. */
  protected above(): unknown {
    return nothing
  }

  /** What stands below the table. */
  protected below(): unknown {
    return nothing
  }

  /** What can be done with one, beside deleting it. */
  protected actions(_: T): unknown {
    return nothing
  }

  /** After one was made. */
  protected async made(): Promise<void> {
    await this.load()
  }

  protected titled(each: T): string {
    return each.displayName || idOf(each.name)
  }

  private body() {
    const { all, columns, may, wording } = this
    if (!all?.length)
      return this.empty(all !== undefined, `No ${wording.title.toLowerCase()} yet`, wording.none[may ? 0 : 1])
    return html`<table>
      <thead>
        <tr>
          ${columns.map(({ title, kind }) => html`<th scope="col" class=${kind === 'number' ? kind : nothing}>${title}</th>`)}
          ${may ? html`<th scope="col"><span class="hidden-text">Actions</span></th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${all.map(
          each =>
            html`<tr>
              ${columns.map(({ of, kind }) => html`<td class=${kind ?? nothing}>${of(each)}</td>`)} ${may ? this.doing(each) : nothing}
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private doing(each: T) {
    return html`<td>
      <div class="row actions">
        ${this.actions(each)}
        <button class="quiet danger" aria-label="Delete ${this.titled(each)}" @click=${() => this.ask(each)}>Delete…</button>
      </div>
    </td>`
  }

  private dialogs() {
    const { leaving, wording } = this
    return html`
      <dialog id="create" aria-labelledby="create-title">
        <form method="dialog" @submit=${this.make}>
          <h2 id="create-title">New ${wording.one}</h2>
          <label class="field">Name <input name="title" required maxlength="100" autocomplete="off" /></label>
          ${this.form()} ${this.trouble()}
          <div class="row ends">
            <button type="button" @click=${() => this.creating.close()}>Cancel</button>
            <button class="primary" ?disabled=${this.busy}>Create</button>
          </div>
        </form>
      </dialog>
      <dialog id="delete" aria-labelledby="delete-title">
        <form method="dialog" @submit=${this.confirm}>
          <h2 id="delete-title">Delete “${leaving && this.titled(leaving)}”?</h2>
          <p>${wording.loss}</p>
          <div class="row ends">
            <button type="button" @click=${() => this.deleting.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private ask(each: T) {
    this.leaving = each
    this.deleting.showModal()
  }

  private make = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const fields = new FormData(form)
    const text = (name: string) => ((fields.get(name) as string | null) ?? '').trim()
    if (!(await this.act(() => this.create(text)))) return
    form.reset()
    this.creating.close()
    await this.made()
  }

  private confirm = async () => {
    const { leaving } = this
    if (leaving && (await this.act(() => this.forget(leaving.name)))) await this.load()
  }
}
