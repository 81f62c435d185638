# SPDX-License-Identifier: MIT
"""An ELF core read from scratch: only struct, nothing shared with the program under test.

Layouts: elf(5), the kernel's include/linux/elfcore.h and include/linux/elfcore-compat.h.
"""

import os
import struct

PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, NT_PRFPREG, NT_PRPSINFO, NT_AUXV = 1, 2, 3, 6
NT_FILE, NT_SIGINFO = 0x46494c45, 0x53494749
NT_X86_XSTATE, NT_XSAVE_LAYOUT, NT_PRXFPREG = 0x202, 0x205, 0x46e62b7f
AT_NULL, AT_PHDR, AT_ENTRY, AT_RANDOM = 0, 3, 9, 25

REGISTERS = {
    64: ('r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss '
         'fs_base gs_base ds es fs gs').split(),
    32: 'ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss'.split(),
}
# As the victim's park() fills them (test/victim/park.c): value is base + position.
PARKED = {
    64: [None] + 'rbx rbp r12 r13 r14 r15 rdi rsi rdx r10 r8 r9'.split(),
    32: [None] + 'ebx ebp esi edi edx'.split(),
}


def parked_base(bits, number):
    return (0x5e47000000000000 if bits == 64 else 0x5e470000) + 256 * number


class Segment:
    def __init__(self, kind, flags, offset, vaddr, paddr, filesz, memsz, align):
        self.kind, self.flags, self.offset, self.vaddr = kind, flags, offset, vaddr
        self.paddr, self.filesz, self.memsz, self.align = paddr, filesz, memsz, align

    @property
    def end(self):
        return self.vaddr + self.memsz

    @property
    def permissions(self):
        return ''.join(c if self.flags & bit else '-' for c, bit in (('r', 4), ('w', 2), ('x', 1)))


class Thread:
    """PRSTATUS, and the register notes that follow it."""

    def __init__(self, bits, desc):
        self.bits, self.size = bits, len(desc)
        self.notes = {}
        head = '<iiihxxQQiiii' if bits == 64 else '<iiihxxIIiiii'
        (self.signo, self.code, self.errno, self.cursig, self.sigpend, self.sighold, self.pid,
         self.ppid, self.pgrp, self.sid) = struct.unpack_from(head, desc)
        at = struct.calcsize(head)
        times = struct.unpack_from('<8q' if bits == 64 else '<8i', desc, at)
        self.utime, self.stime, self.cutime, self.cstime = (
            times[i] + times[i + 1] / 1e6 for i in range(0, 8, 2))
        at += 64 if bits == 64 else 32
        names = REGISTERS[bits]
        values = struct.unpack_from('<%d%s' % (len(names), 'Q' if bits == 64 else 'I'), desc, at)
        self.regs = dict(zip(names, values))
        at += len(names) * bits // 8
        self.fpvalid = struct.unpack_from('<i', desc, at)[0]

    @property
    def pc(self):
        return self.regs['rip' if self.bits == 64 else 'eip']

    @property
    def sp(self):
        return self.regs['rsp' if self.bits == 64 else 'esp']

    @property
    def xmm0(self):
        """Low 64 bits, from the extended state."""
        return struct.unpack_from('<Q', self.notes[NT_X86_XSTATE], 160)[0]


class ProcessInfo:
    def __init__(self, bits, desc):
        self.size = len(desc)
        layout = '<bcbb4xQIIiiii16s80s' if bits == 64 else '<bcbbIHHiiii16s80s'
        (self.state, self.sname, self.zomb, self.nice, self.flag, self.uid, self.gid, self.pid,
         self.ppid, self.pgrp, self.sid, self.fname, self.psargs) = struct.unpack_from(layout, desc)
        self.fname = self.fname.rstrip(b'\0')


class MappedFile:
    def __init__(self, start, end, offset, name):
        self.start, self.end, self.offset, self.name = start, end, offset, name


class Core:
    """Raises ValueError or struct.error where the file is no core."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, 'rb')
        self.size = os.fstat(self.file.fileno()).st_size
        ident = self.at(0, 16)
        if ident[:4] != b'\x7fELF':
            raise ValueError('no ELF file')
        self.ident = ident
        self.bits = {1: 32, 2: 64}[ident[4]]
        self._read_header()
        self._read_notes()
        self.own = self._read_own()

    def at(self, offset, size):
        self.file.seek(offset)
        data = self.file.read(size)
        if len(data) != size:
            raise ValueError('truncated: %d bytes at %#x of %#x' % (size, offset, self.size))
        return data

    def _read_header(self):
        layout = '<HHIQQQIHHHHHH' if self.bits == 64 else '<HHIIIIIHHHHHH'
        (self.type, self.machine, self.version, self.entry, self.phoff, self.shoff, self.flags,
         self.ehsize, self.phentsize, self.phnum, self.shentsize, self.shnum, self.shstrndx) = \
            struct.unpack(layout, self.at(16, struct.calcsize(layout)))
        count = self.phnum
        if count == 0xffff:
            sh_info = 44 if self.bits == 64 else 28
            count = struct.unpack('<I', self.at(self.shoff + sh_info, 4))[0]
        table = self.at(self.phoff, count * self.phentsize)
        self.segments = [self._segment(table, i * self.phentsize) for i in range(count)]
        self.loads = [s for s in self.segments if s.kind == PT_LOAD]

    def _segment(self, table, at):
        if self.bits == 64:
            kind, flags, *rest = struct.unpack_from('<IIQQQQQQ', table, at)
            return Segment(kind, flags, *rest)
        kind, offset, vaddr, paddr, filesz, memsz, flags, align = \
            struct.unpack_from('<8I', table, at)
        return Segment(kind, flags, offset, vaddr, paddr, filesz, memsz, align)

    def _read_notes(self):
        self.notes, self.threads, self.info, self.auxv, self.files = [], [], None, {}, []
        for segment in self.segments:
            if segment.kind == PT_NOTE:
                self._parse_notes(self.at(segment.offset, segment.filesz))
        for owner, kind, desc in self.notes:
            self._take_note(owner, kind, desc)

    def _parse_notes(self, data):
        at = 0
        while at + 12 <= len(data):
            namesz, descsz, kind = struct.unpack_from('<III', data, at)
            at += 12
            owner = data[at:at + namesz].rstrip(b'\0').decode('latin-1')
            at += (namesz + 3) & ~3
            if at + descsz > len(data):
                raise ValueError('a note is longer than its segment')
            self.notes.append((owner, kind, data[at:at + descsz]))
            at += (descsz + 3) & ~3

    def _take_note(self, owner, kind, desc):
        if owner == 'CORE' and kind == NT_PRSTATUS:
            self.threads.append(Thread(self.bits, desc))
        elif owner == 'CORE' and kind == NT_PRPSINFO:
            self.info = ProcessInfo(self.bits, desc)
        elif owner == 'CORE' and kind == NT_AUXV:
            words = struct.unpack('<%d%s' % (len(desc) * 8 // self.bits, self._word()), desc)
            self.auxv = dict(zip(words[::2], words[1::2]))
        elif owner == 'CORE' and kind == NT_FILE:
            self._take_files(desc)
        elif owner in ('CORE', 'LINUX') and self.threads:
            self.threads[-1].notes[kind] = desc

    def _read_own(self):
        """The note of owner CRYOCORE behind the data, as a dictionary; {} in other cores."""
        trailer = self.at(self.end_of_data, self.size - self.end_of_data)
        if len(trailer) < 24 or trailer[12:21] != b'CRYOCORE\0':
            return {}
        size = struct.unpack_from('<I', trailer, 4)[0]
        if 24 + (size + 3 & ~3) != len(trailer):
            raise ValueError('something follows the note CRYOCORE')
        lines = trailer[24:24 + size].rstrip(b'\0').decode().splitlines()
        return dict(line.partition('=')[::2] for line in lines)

    def _word(self):
        return 'Q' if self.bits == 64 else 'I'

    def _take_files(self, desc):
        size = self.bits // 8
        count, page = struct.unpack_from('<2' + self._word(), desc)
        names = desc[(2 + 3 * count) * size:].split(b'\0')
        for i in range(count):
            start, end, offset = struct.unpack_from('<3' + self._word(), desc, (2 + 3 * i) * size)
            self.files.append(MappedFile(start, end, offset * page, names[i]))

    def thread(self, tid):
        for thread in self.threads:
            if thread.pid == tid:
                return thread
        return None

    def segment_at(self, address):
        for segment in self.loads:
            if segment.vaddr <= address < segment.end:
                return segment
        return None

    def read(self, address, size):
        """Memory as a debugger sees it; None where the core has none."""
        segment = self.segment_at(address)
        if segment is None or address - segment.vaddr + size > segment.filesz:
            return None
        return self.at(segment.offset + address - segment.vaddr, size)

    def word(self, address):
        data = self.read(address, 8)
        return None if data is None else struct.unpack('<Q', data)[0]

    @property
    def end_of_data(self):
        return max(s.offset + s.filesz for s in self.segments)

    def close(self):
        self.file.close()
