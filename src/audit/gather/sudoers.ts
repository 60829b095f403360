/** One permission of sudoers(5), aliases resolved: who may run what as whom on this host. */
export interface SudoRule {
  readonly file: string
  readonly line: number
  /** As written, aliases resolved: "alice", "%wheel", "#1000", "ALL", "!bob". */
  readonly users: readonly string[]
  /** Whom they become: "root", "ALL", "bob"; "root" when the rule does not say. */
  readonly runAs: readonly string[]
  /** Without asking for their password. */
  readonly noPassword: boolean
  /** "ALL", "/usr/bin/docker ps", "!/usr/bin/docker rm"; in order, the last match counts. */
  readonly commands: readonly string[]
}

/** Where an include leads, in the order met. */
export interface SudoFile {
  readonly path: string
  readonly text: string
}

type Aliases = Readonly<Record<'User' | 'Runas' | 'Host' | 'Cmnd', Map<string, readonly string[]>>>

interface Line {
  readonly file: string
  readonly line: number
  readonly text: string
}

/** Logical lines: continued ones joined, comments away (`#1000` and `#include` are none). */
export function logicalLines({ path, text }: SudoFile): Line[] {
  const lines: Line[] = []
  let held = ''
  let start = 1
  for (const [index, raw] of text.split('\n').entries()) {
    if (held === '') start = index + 1
    if (raw.endsWith('\\')) {
      held += `${raw.slice(0, -1)} `
      continue
    }
    const whole = (held + raw).replace(/^\s*#(?!include(dir)?\s)(?!\d).*$/, '').replace(/\s#(?!\d).*$/, '')
    held = ''
    if (whole.trim() !== '') lines.push({ file: path, line: start, text: whole.trim() })
  }
  return lines
}

/** What an include line names; null for any other line. */
export function includeOf(text: string): { readonly kind: 'file' | 'folder'; readonly path: string } | null {
  const [, folder, path] = /^[#@]include(dir)?\s+(.+)$/.exec(text) ?? []
  if (path === undefined) return null
  return {
    kind: folder === undefined ? 'file' : 'folder',
    path: path.replace(/^"(.*)"$/, '$1').replace(/\\ /g, ' '),
  }
}

/**
 * The rules of sudoers(5) files that hold on this host.
 * @param lines of all files, in the order in which sudo reads them
 * @param hostNames this host's names; a rule for other hosts is left out
 */
export function sudoRules(lines: readonly Line[], hostNames: readonly string[]): SudoRule[] {
  const aliases: Aliases = { User: new Map(), Runas: new Map(), Host: new Map(), Cmnd: new Map() }
  const specs: Line[] = []
  for (const line of lines) {
    const [, kind, rest = ''] = /^(User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)$/.exec(line.text) ?? []
    if (kind !== undefined) readAliases(aliases[kind === 'Cmd' ? 'Cmnd' : (kind as keyof Aliases)], rest)
    else if (!/^Defaults\b/.test(line.text) && includeOf(line.text) === null) specs.push(line)
  }
  const noAuthentication = lines.some(({ text }) => /^Defaults\s.*!authenticate\b/.test(text))
  return specs.flatMap((line) => readSpec(line, aliases, hostNames, noAuthentication))
}

function readAliases(into: Map<string, readonly string[]>, text: string): void {
  for (const definition of split(text, ':')) {
    const [, name, value] = /^\s*([A-Z][A-Z0-9_]*)\s*\+?=\s*(.*)$/s.exec(definition) ?? []
    if (name !== undefined && value !== undefined)
      into.set(name, [...(into.get(name) ?? []), ...split(value, ',')])
  }
}

function readSpec(
  line: Line,
  aliases: Aliases,
  hostNames: readonly string[],
  noAuthentication: boolean,
): SudoRule[] {
  const equals = indexOutside(line.text, '=')
  if (equals < 0) return []
  const [users, hosts] = splitUsersAndHosts(line.text.slice(0, equals))
  const rest = split(line.text.slice(equals + 1), ':')
  const rules: SudoRule[] = []
  // "users hosts = commands : hosts = commands"; a colon before a tag's end ("NOPASSWD:") belongs to the tag.
  let nowHosts = hosts
  let commands = ''
  const flush = (): void => {
    if (hostMatches(expand(split(nowHosts, ','), aliases.Host), hostNames))
      rules.push(
        ...readCommands(line, expand(split(users, ','), aliases.User), commands, aliases, noAuthentication),
      )
  }
  for (const [index, part] of rest.entries()) {
    // A digest has a colon too, and may end in "=".
    const [, host, after] =
      index === 0 || /\bsha\d+$/.test(commands) ? [] : (/^\s*([^\s=:(]+)\s*=\s*(.*)$/s.exec(part) ?? [])
    if (host === undefined || after === undefined) {
      commands = index === 0 ? part : `${commands}:${part}`
      continue
    }
    flush()
    nowHosts = host
    commands = after
  }
  flush()
  return rules
}

// Run-as and tags hold for the commands after them until others are named.
function readCommands(
  { file, line }: Line,
  users: readonly string[],
  text: string,
  aliases: Aliases,
  noAuthentication: boolean,
): SudoRule[] {
  const rules: { runAs: readonly string[]; noPassword: boolean; commands: string[] }[] = []
  let runAs: readonly string[] = ['root']
  let noPassword = noAuthentication
  for (const item of split(text, ',')) {
    let rest = item.trim()
    const [all, inside] = /^\(([^)]*)\)\s*/.exec(rest) ?? []
    if (all !== undefined) {
      runAs = expand(split((inside ?? '').split(':')[0] ?? '', ','), aliases.Runas)
      if (runAs.length === 0) runAs = ['(self)']
      rest = rest.slice(all.length)
    }
    rest = rest.replace(
      /^((?:ROLE|TYPE|PRIVS|LIMITPRIVS|NOTBEFORE|NOTAFTER|TIMEOUT|CWD|CHROOT|APPARMOR_PROFILE)=\S+\s+)+/,
      '',
    )
    for (let tag = /^([A-Z_]+)\s*:\s*/.exec(rest); tag !== null; tag = /^([A-Z_]+)\s*:\s*/.exec(rest)) {
      if (tag[1] === 'NOPASSWD') noPassword = true
      if (tag[1] === 'PASSWD') noPassword = false
      rest = rest.slice(tag[0].length)
    }
    const last = rules.at(-1)
    const commands = expand([rest], aliases.Cmnd).map((command) =>
      command.replace(/^(!*)\s*(?:sha\d+:\S+\s*)+/, '$1'),
    )
    if (last?.runAs === runAs && last.noPassword === noPassword) last.commands.push(...commands)
    else rules.push({ runAs, noPassword, commands: [...commands] })
  }
  return rules.map((rule) => ({ file, line, users, ...rule }))
}

/** Names of aliases replaced by what they stand for, `!` carried inwards; a cycle stands for nothing. */
function expand(
  items: readonly string[],
  aliases: ReadonlyMap<string, readonly string[]>,
  seen: readonly string[] = [],
): string[] {
  return items.flatMap((item) => {
    const [, bangs = '', name = ''] = /^(!*)\s*(.*)$/s.exec(item.trim()) ?? []
    if (name === '') return []
    const meant = aliases.get(name)
    const negated = bangs.length % 2 === 1
    if (meant === undefined) return [`${negated ? '!' : ''}${unquote(name)}`]
    if (seen.includes(name)) return []
    return expand(meant, aliases, [...seen, name]).map((each) =>
      negated ? (each.startsWith('!') ? each.slice(1) : `!${each}`) : each,
    )
  })
}

function hostMatches(hosts: readonly string[], names: readonly string[]): boolean {
  // Addresses and netgroups cannot be decided from the file: taken as this host, so that nothing is hidden.
  const matches = (host: string): boolean =>
    host === 'ALL' || names.includes(host) || /^[+\d]/.test(host) || /[*?[]/.test(host)
  const last = hosts.findLast((host) => matches(host.replace(/^!/, '')))
  return last !== undefined && !last.startsWith('!')
}

// "alice, bob ALL": the users are a comma list, the hosts begin after the blank that no comma precedes or follows.
function splitUsersAndHosts(text: string): [users: string, hosts: string] {
  const compact = text
    .trim()
    .replace(/\s*,\s*/g, ',')
    .replace(/!\s+/g, '!')
  const blank = indexOutside(compact, ' ')
  return blank < 0 ? [compact, ''] : [compact.slice(0, blank), compact.slice(blank + 1)]
}

function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let rest = text
  for (let index = indexOutside(rest, separator); index >= 0; index = indexOutside(rest, separator)) {
    parts.push(rest.slice(0, index).trim())
    rest = rest.slice(index + 1)
  }
  return [...parts, rest.trim()].filter((part) => part !== '')
}

/** Where a character first stands outside quotes, parentheses and escapes. */
function indexOutside(text: string, wanted: string): number {
  let quoted = false
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (character === '\\') index++
    else if (character === '"') quoted = !quoted
    else if (!quoted && depth === 0 && (character === wanted || (wanted === ' ' && character === '\t')))
      return index
    else if (!quoted && character === '(') depth++
    else if (!quoted && character === ')') depth--
  }
  return -1
}

function unquote(text: string): string {
  return text.replace(/^"(.*)"$/, '$1').replace(/\\(.)/g, '$1')
}
