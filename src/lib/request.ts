/*
 * Not imported: an `import` reads every export of node:http, and the lazy ones load all of undici, for as much time as Node
 * takes to start.
 */
export const { request } = process.getBuiltinModule('node:http')
