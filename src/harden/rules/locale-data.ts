import { removePaths } from './rule.ts'

export const rule = removePaths({
  id: 'locale-data',
  title: 'locale data but for C and UTF-8',
  reason: 'a service logs in one language; the translations of its tools are never read',
  byDefault: true,
  globs: [
    '/usr/share/locale',
    '/usr/share/i18n',
    '/usr/share/X11/locale',
    '/usr/lib/locale/[!C]*',
    '/usr/lib/*/gconv/[!gUI]*.so',
    '/usr/lib/*/gconv/IBM*.so',
    '/usr/lib/*/gconv/INIS*.so',
    '/usr/lib/*/gconv/ISO-*.so',
    '/usr/lib/*/gconv/ISO_*.so',
    '/usr/lib/*/gconv/ISO8859-[2-9].so',
    '/usr/lib/*/gconv/ISO8859-1[0-46].so',
    '/usr/lib/*/gconv/UHC.so',
  ],
})
