import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from './command.ts'
import { type CommandEntry, commands } from './commands.ts'
import { commandHelp, listHelp } from './help.ts'

async function everyCommand(
  entries: Readonly<Record<string, CommandEntry>>,
  prefix = 'paddock',
): Promise<(readonly [typed: string, command: Command])[]> {
  const found = await Promise.all(
    Object.entries(entries).map(async ([name, entry]) => {
      const loaded = await entry.load()
      return 'command' in loaded
        ? [[`${prefix} ${name}`, loaded.command] as const]
        : everyCommand(loaded.subcommands, `${prefix} ${name}`)
    }),
  )
  return found.flat()
}

test('the help of every command has a usage that begins with its name, and examples of it', async () => {
  for (const [typed, command] of await everyCommand(commands)) {
    assert.ok(`paddock ${command.usage[0] ?? ''}`.replace(/[[\]]/g, '').startsWith(typed), typed)
    assert.ok(command.examples.length > 0, typed)
    for (const [example] of command.examples) assert.ok(example.includes('paddock '), `${typed}: ${example}`)
    assert.match(command.description, /Exit code/, typed)
  }
})

test('prose fits the terminal, and on a narrow one too; no word is lost', async () => {
  const words = (text: string) => text.split(/\s+/).filter((word) => word !== '')
  for (const [typed, command] of await everyCommand(commands)) {
    const wide = commandHelp(command)
    for (const columns of [30, 40, 60, 80, 200]) {
      const text = commandHelp(command, columns)
      assert.deepEqual(words(text), words(wide))
      const width = Math.min(100, Math.max(40, columns))
      const isVerbatim = (line: string) => /^(Usage:| {7}paddock| {2}\S)/.test(line)
      const tooWide = text.split('\n').filter((line) => line.length > width && !isVerbatim(line))
      assert.deepEqual(
        tooWide.filter((line) => words(line).length > 1),
        [],
        `${typed} at ${columns}`,
      )
    }
  }
  assert.match(listHelp('paddock', commands, 40), /^ {2}scan\n {6}what has each/m)
})
