const SECRET_WORDS = new Set([
  'PASSWORD',
  'PASSWD',
  'PASSPHRASE',
  'PASS',
  'PWD',
  'SECRET',
  'SECRETS',
  'TOKEN',
  'CREDENTIAL',
  'CREDENTIALS',
  'APIKEY',
  'PRIVATEKEY',
])
const KEY_OWNERS = new Set([
  'API',
  'PRIVATE',
  'ACCESS',
  'ENCRYPTION',
  'SIGNING',
  'MASTER',
  'SECRET',
  'AUTH',
  'SSH',
  'JWT',
])
/** Last words that make a name speak about a secret, not hold one. */
const ABOUT = new Set([
  'FILE',
  'PATH',
  'DIR',
  'NAME',
  'ID',
  'TTL',
  'EXPIRY',
  'EXPIRES',
  'LENGTH',
  'URL',
  'URI',
  'HOST',
  'ALGORITHM',
  'POLICY',
  'ROTATION',
  'AGE',
  'VERSION',
  'ENABLED',
  'REQUIRED',
  'TYPE',
])
/** A container wrote them: what is longer costs patterns more than it can tell. */
const MAX_VALUE = 2048
const MAX_STEP = 4096

const SWITCHES = new Set(['ALLOW', 'RANDOM', 'EMPTY', 'DISABLE', 'ENABLE', 'REQUIRE', 'NO', 'USE'])

/** Values that are secrets whatever they are called: private keys, cloud and forge tokens, passwords in addresses. */
const SECRET_VALUES: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\b(AKIA|ASIA)[0-9A-Z]{16}\b/,
  /\b(ghp|gho|ghs|ghu)_[A-Za-z0-9]{36}\b/,
  /\bgithub_pat_\w{22,}/,
  /\bglpat-[\w-]{20,}/,
  /\bxox[abprs]-[\w-]{10,}/,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+/,
  /[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{1,200}:[^\s/@$]{1,200}@/i,
]

/** Names of the variables that seem to hold a secret, sorted. Never a value. */
export function secretVariables(env: readonly string[]): string[] {
  const names = env.flatMap((line) => {
    const index = line.indexOf('=')
    const name = index < 0 ? line : line.slice(0, index)
    const value = index < 0 ? '' : line.slice(index + 1, index + 1 + MAX_VALUE)
    return name !== '' && holdsSecret(name, value) ? [name.slice(0, 100)] : []
  })
  return [...new Set(names)].sort()
}

/** `NAME=value` words in a step of an image's history. */
export function assignments(step: string): string[] {
  return [...step.slice(0, MAX_STEP).matchAll(/(?:^|[\s|"'])([A-Za-z_]\w*)=("[^"]*"|'[^']*'|\S*)/g)].map(
    ([, name = '', value = '']) => `${name}=${value.replace(/^(["'])(.*)\1$/, '$2')}`,
  )
}

function holdsSecret(name: string, value: string): boolean {
  if (SECRET_VALUES.some((pattern) => pattern.test(value))) return true
  // A switch, a number, a reference to another variable or to a file is no secret.
  if (/^(|true|false|yes|no|on|off|none|null|\d{1,6}|\$\{?\w+\}?|\/run\/secrets\/.*)$/i.test(value.trim()))
    return false
  if (name === 'PWD' || name === 'OLDPWD') return false
  const words = name
    .toUpperCase()
    .split(/[^A-Z0-9]+/)
    .filter(Boolean)
  if (ABOUT.has(words.at(-1) ?? '') || words.some((word) => SWITCHES.has(word))) return false
  if (words.some((word) => SECRET_WORDS.has(word) || /(PASSWORD|PASSWD|SECRET|APIKEY)$/.test(word)))
    return true
  return words.some((word, index) => word === 'KEY' && KEY_OWNERS.has(words[index - 1] ?? ''))
}
