import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { problem } from '../client/problem'
import { cohorts, queries } from '../client/transport'
import type { Query } from '../gen/tidemark/v1/question_pb'

/** How many people a cohort may list. */
const MOST = 100_000

/** Saves people as a cohort: those who did something by a rule that is asked anew each time, those behind a figure one by one as
 * they are now. Opened by `show()`. */
@customElement('tm-cohort')
export class CohortDialog extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) asked!: Query
  @state() private busy = false
  @state() private failure = ''
  @state() private saved = ''
  @query('dialog') private dialog!: HTMLDialogElement
  @query('input') private named!: HTMLInputElement

  static override styles = [
    shared,
    css`
      form {
        display: grid;
        gap: var(--space-3);
        min-width: min(400px, 82vw);
      }
      .ends {
        justify-content: flex-end;
      }
    `,
  ]

  /** Opens the dialog. */
  show() {
    this.failure = ''
    this.saved = ''
    this.dialog.showModal()
  }

  override render() {
    return html`<dialog aria-labelledby="heading">
      <form @submit=${this.submit}>
        <h2 id="heading">Save these people as a cohort</h2>
        <p class="muted">
          ${
            this.rule
              ? 'Who did this belongs to it; it is found anew whenever a question is asked.'
              : 'The people are listed one by one, as they are now.'
          }
        </p>
        <label class="field">Name <input required maxlength="100" autocomplete="off" /></label>
        ${this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : nothing}
        ${this.saved ? html`<p role="status">Saved. Filters offer it as “${this.saved}” now.</p>` : nothing}
        <div class="row ends">
          <button type="button" @click=${() => this.dialog.close()}>${this.saved ? 'Close' : 'Cancel'}</button>
          <button class="primary" ?disabled=${this.busy || !!this.saved}>Save</button>
        </div>
      </form>
    </dialog>`
  }

  /** The rule that finds these people again, where there is one. */
  private get rule() {
    const { question, timeRange } = this.asked
    if (question.case !== 'people' || question.value.group.case !== 'did') return undefined
    return { conditions: [{ did: question.value.group.value, timeRange }] }
  }

  private submit = async (event: Event) => {
    event.preventDefault()
    this.busy = true
    this.failure = ''
    const displayName = this.named.value.trim()
    try {
      const members = this.rule
        ? { case: 'rule' as const, value: this.rule }
        : { case: 'people' as const, value: { userIds: await this.listed() } }
      const request = { parent: this.session.project, requestId: crypto.randomUUID() }
      await cohorts.createCohort({ ...request, cohort: { displayName, members } })
      this.saved = displayName
    } catch (error) {
      this.failure = problem(error).text
    }
    this.busy = false
  }

  /** The ids of all the people, page by page. */
  private async listed(): Promise<string[]> {
    const ids: string[] = []
    let pageToken = ''
    do {
      const request = { project: this.session.project, query: this.asked, pageSize: 10_000, pageToken }
      const page = await queries.runQuery(request)
      if (page.result.case === 'people') ids.push(...page.result.value.people.map(each => each.userId))
      pageToken = page.nextPageToken
    } while (pageToken && ids.length <= MOST)
    return ids
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'tm-cohort': CohortDialog
  }
}
