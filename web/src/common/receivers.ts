import { html, nothing } from 'lit'
import { query, state } from 'lit/decorators.js'
import { Collection, type Column } from './collection'
import './secret'
import type { Secret } from './secret'

type Receiver = { name: string; displayName: string; fault: string }

/** A page of places that something is sent to: each can be tried, and the secret of a signed one is shown once. */
export abstract class Receivers<T extends Receiver> extends Collection<T> {
  @state() private tried = ''
  @query('tm-secret') private telling!: Secret
  /** Of what was made last, where it has one. */
  protected secret = ''

  /** Sends something to one; says what came of it. */
  protected abstract try(name: string): Promise<{ delivered: boolean; outcome: string }>

  protected readonly standing: Column<T> = {
    title: 'State',
    of: ({ fault }) =>
      fault
        ? html`<span class="chip bad">not used</span><div class="small bad-text">${fault}</div>`
        : html`<span class="chip good">in use</span>`,
  }

  protected override get may(): boolean {
    return this.session.role === 'admin'
  }

  protected override above() {
    return this.tried ? html`<p class="notice" role="status">${this.tried}</p>` : nothing
  }

  protected override below(): unknown {
    return html`<tm-secret></tm-secret>`
  }

  protected override actions(each: T): unknown {
    const title = this.titled(each)
    return html`<button ?disabled=${this.busy} aria-label="Test ${title}" @click=${() => this.test(each)}>Test</button>`
  }

  protected override async made() {
    if (this.secret) await this.telling.show(this.secret)
    this.secret = ''
    await super.made()
  }

  private async test(each: T) {
    this.tried = ''
    await this.act(async () => {
      const { delivered, outcome } = await this.try(each.name)
      this.tried = `${this.titled(each)}: ${delivered ? 'delivered' : 'not delivered'}. ${outcome}`
    })
    if (!this.failure) await this.load()
  }
}
