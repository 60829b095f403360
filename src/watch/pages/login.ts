import { type Html, html } from '../html.ts'

export function loginPage(next: string, problem: string | null): Html {
  return html`<div class="login card">
    <h1>Log in</h1>
    ${problem === null ? null : html`<p class="error" role="alert" id="problem">${problem}</p>`}
    <form method="post" action="/login">
      <input type="hidden" name="next" value="${next}" />
      <p>
        <label for="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          ${problem === null ? null : html`aria-invalid="true" aria-describedby="problem"`}
        />
      </p>
      <p>
        <label for="name">Your name, for the record (may be left out)</label>
        <input id="name" name="name" autocomplete="username" maxlength="40" />
      </p>
      <p><button>Log in</button></p>
    </form>
    <p class="quiet">
      The token is in <code>watch/token</code> of Paddock's state folder (<code>/var/lib/paddock</code>);
      <code>watch/token-read</code> may only read.
    </p>
  </div>`
}

export function errorPage(status: number, message: string): Html {
  return html`<h1>${status === 404 ? 'Not here' : 'That did not work'}</h1>
    <p class="error" role="alert">${message}</p>
    <p><a href="/">To the overview</a></p>`
}
