#include "emu.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#error "the fiber switch below is written for x86-64 (System V)"
#endif

// Saves the callee-saved registers on the stack left, keeps its stack pointer in *left, continues on the stack
// `entered`.
asm(R"(
.text
.globl emu_switch
.type emu_switch, @function
emu_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size emu_switch, .-emu_switch
)");
extern "C" void emu_switch(void** left, void* entered);

namespace emu {
namespace {

constexpr size_t kStack = 128 << 10;
constexpr unsigned kMaxThreads = 1024;
constexpr uint32_t kMaxShared = 227 << 10;
constexpr uint16_t kNobody = 0xffff;

enum class State { ready, in_warp, in_block, done };

struct Copy {
  uint32_t to;
  const void* from;
  bool valid;
};

// When an access happened: block barriers passed, and warp barriers of the thread's own warp.
struct Moment {
  uint64_t block = 0, warp = 0;
};

struct Thread {
  void* stack_pointer = nullptr;
  State state = State::done;
  Site at;
  const char* what = "";
  Collective collective = nullptr;
  void* operand = nullptr;
  Moment now;
  std::vector<std::vector<Copy>> groups;  // committed and not yet waited for, oldest first
  std::vector<Copy> open;
  void* fake_stack = nullptr;
};

// Who touched two bytes of shared memory last. Two readers suffice: kept from different warps where possible, the
// newest of a warp.
struct Cell {
  uint16_t writer = kNobody, pending = kNobody;
  uint16_t reader[2] = {kNobody, kNobody};
  Moment write, read[2];
};

struct Machine {
  std::vector<Thread> threads = std::vector<Thread>(kMaxThreads);
  unsigned count = 0, running = 0;
  Extent grid, block_at;
  const std::function<void()>* body = nullptr;
  unsigned char* stacks = nullptr;
  std::vector<unsigned char> shared = std::vector<unsigned char>(kMaxShared);
  std::vector<Cell> cells = std::vector<Cell>(kMaxShared / 2);
  uint32_t shared_bytes = 0;
  void* scheduler = nullptr;
  bool stopped = false;
  uint64_t moment = 1;  // never goes back, so cells of earlier blocks are simply old
  uint64_t seed = 0, random = 1;
  Copies copies = Copies::late;
  std::string error, dropped;
  std::set<std::string> sites;
};

Machine& machine() {
  static Machine m;
  return m;
}

uint64_t next_random() {
  uint64_t& x = machine().random;
  x ^= x << 13, x ^= x >> 7, x ^= x << 17;
  return x;
}

Thread& self() { return machine().threads[machine().running]; }

std::string place(const Site& at) {
  const char* slash = std::strrchr(at.file_name(), '/');
  return std::string(slash ? slash + 1 : at.file_name()) + ":" + std::to_string(at.line());
}

#if defined(__SANITIZE_ADDRESS__)
const void* scheduler_bottom;
size_t scheduler_size;
#endif

void leave() {  // from a fiber to the scheduler
  Thread& t = self();
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(t.state == State::done ? nullptr : &t.fake_stack, scheduler_bottom, scheduler_size);
#endif
  emu_switch(&t.stack_pointer, machine().scheduler);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(self().fake_stack, &scheduler_bottom, &scheduler_size);
#endif
}

void enter(unsigned id) {  // from the scheduler to a fiber
  Machine& m = machine();
  m.running = id;
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, m.stacks + id * kStack, kStack);
#endif
  emu_switch(&m.scheduler, m.threads[id].stack_pointer);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

[[gnu::format(printf, 1, 2)]] void complain(const char* format, ...) {
  Machine& m = machine();
  m.stopped = true;
  if (!m.error.empty()) return;
  char text[1024];
  va_list list;
  va_start(list, format);
  std::vsnprintf(text, sizeof text, format, list);
  va_end(list);
  m.error = text;
}

// A complaint from inside a fiber, which never continues.
template <class... A>
[[noreturn]] void stop(const char* format, A... a) {
  complain(format, a...);
  for (;;) leave();
}

std::string who(unsigned id) {
  const Machine& m = machine();
  return "block (" + std::to_string(m.block_at.x) + "," + std::to_string(m.block_at.y) + ") warp " +
         std::to_string(id / 32) + " lane " + std::to_string(id % 32);
}

bool is_dropped(const char* what, const Site& at) {
  Machine& m = machine();
  const std::string name = place(at) + " " + what;
  m.sites.insert(name);
  return name == m.dropped;
}

// ---- shared memory ----

void check_shared(uint32_t address, uint32_t bytes, const Site& at) {
  const Machine& m = machine();
  if (address % bytes)
    stop("%s: %s: shared address %u is not a multiple of %u", place(at).c_str(), who(m.running).c_str(), address,
         bytes);
  if (address > m.shared_bytes || bytes > m.shared_bytes - address)
    stop("%s: %s: shared bytes %u..%u of %u", place(at).c_str(), who(m.running).c_str(), address, address + bytes - 1,
         m.shared_bytes);
}

bool ordered(unsigned a, const Moment& then, unsigned b, const Moment& now) {
  return a == b || then.block != now.block || (a / 32 == b / 32 && then.warp != now.warp);
}

void check_cell(unsigned id, uint32_t address, bool writes, const Site& at) {
  Machine& m = machine();
  Cell& c = m.cells[address / 2];
  const Moment& now = m.threads[id].now;
  if (c.pending != kNobody)
    stop("%s: %s: shared byte %u awaits an asynchronous copy of %s", place(at).c_str(), who(id).c_str(), address,
         who(c.pending).c_str());
  if (c.writer != kNobody && !ordered(c.writer, c.write, id, now))
    stop("%s: %s: race on shared byte %u, written by %s without a barrier between", place(at).c_str(), who(id).c_str(),
         address, who(c.writer).c_str());
  if (!writes) {
    const int slot = c.reader[0] == kNobody || c.reader[0] / 32 == id / 32 ? 0 : 1;
    const int kept = slot == 0 && c.reader[0] != kNobody && c.reader[0] != id && c.read[0].block == now.block &&
                             c.read[0].warp == now.warp &&
                             (c.reader[1] == kNobody || c.read[1].block != now.block || c.reader[1] / 32 == id / 32)
                         ? 1
                         : slot;
    c.reader[kept] = uint16_t(id);
    c.read[kept] = now;
    return;
  }
  for (int r = 0; r < 2; ++r)
    if (c.reader[r] != kNobody && !ordered(c.reader[r], c.read[r], id, now))
      stop("%s: %s: race on shared byte %u, read by %s without a barrier between", place(at).c_str(), who(id).c_str(),
           address, who(c.reader[r]).c_str());
  c.writer = uint16_t(id);
  c.write = now;
}

void arrive(Thread& t, const Copy& c) {
  Machine& m = machine();
  (void)t;
  if (c.valid)
    std::memcpy(m.shared.data() + c.to, c.from, 16);
  else
    std::memset(m.shared.data() + c.to, 0, 16);
}

// ---- scheduling ----

void run_thread() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_bottom, &scheduler_size);
#endif
  (*machine().body)();
  Thread& t = self();
  t.groups.push_back(t.open);
  for (const auto& group : t.groups)
    if (!group.empty())
      stop("%s returns with an asynchronous copy to shared byte %u that nobody waited for",
           who(machine().running).c_str(), group[0].to);
  t.state = State::done;
  for (;;) leave();
}

void prepare(unsigned id) {
  Machine& m = machine();
  Thread& t = m.threads[id];
  auto* top = reinterpret_cast<uint64_t*>(m.stacks + (id + 1) * kStack);
  // Where emu_switch's ret goes; one word below it keeps the alignment that a called function expects.
  top[-2] = reinterpret_cast<uint64_t>(&run_thread);
  for (int i = 3; i <= 8; ++i) top[-i] = 0;
  t.stack_pointer = top - 8;
  t.state = State::ready;
  t.now = {m.moment, 0};
  t.groups.clear();
  t.open.clear();
}

void wait_as(State state, const char* what, const Site& at) {
  Thread& t = self();
  t.state = state;
  t.what = what;
  t.at = at;
  leave();
}

// Runs the ready lanes of a warp until each waits or has returned.
void run_warp(unsigned warp) {
  Machine& m = machine();
  unsigned order[32];
  for (unsigned i = 0; i < 32; ++i) order[i] = m.seed == 1 ? 31 - i : i;
  if (m.seed > 1)
    for (unsigned i = 31; i; --i) std::swap(order[i], order[next_random() % (i + 1)]);
  for (const unsigned lane : order) {
    const unsigned id = warp * 32 + lane;
    if (m.threads[id].state == State::ready) enter(id);
    if (m.stopped) return;
  }
}

// Lets a warp pass whose 32 lanes have met in the same operation.
void meet_warp(unsigned warp) {
  Machine& m = machine();
  Thread* lanes = &m.threads[warp * 32];
  unsigned waiting = 0, first = 32;
  for (unsigned i = 0; i < 32; ++i)
    if (lanes[i].state == State::in_warp) ++waiting, first = std::min(first, i);
  if (!waiting) return;
  void* operands[32];
  for (unsigned i = 0; i < 32; ++i) {
    const Thread &a = lanes[first], &b = lanes[i];
    if (b.state != State::in_warp || b.at.line() != a.at.line() || std::strcmp(a.what, b.what) != 0) {
      complain("%s: %s waits for its warp in %s, but lane %u %s", place(a.at).c_str(), who(warp * 32 + first).c_str(),
               a.what, i, b.state == State::done ? "has returned" : ("is at " + place(b.at) + " in " + b.what).c_str());
      return;
    }
    operands[i] = b.operand;
  }
  if (lanes[0].collective) {
    m.running = warp * 32;
    lanes[0].collective(operands);
  } else {
    for (unsigned i = 0; i < 32; ++i) ++lanes[i].now.warp;
  }
  for (unsigned i = 0; i < 32; ++i) lanes[i].state = State::ready;
}

bool pass_block_barrier() {
  Machine& m = machine();
  unsigned first = kMaxThreads;
  bool all = true;
  for (unsigned i = 0; i < m.count; ++i) {
    if (m.threads[i].state == State::in_block && first == kMaxThreads) first = i;
    if (m.threads[i].state != State::in_block && m.threads[i].state != State::done) all = false;
  }
  if (first == kMaxThreads || !all) return false;
  for (unsigned i = first; i < m.count; ++i)
    if (m.threads[i].state == State::in_block && m.threads[i].at.line() != m.threads[first].at.line()) {
      complain("block barriers of different lines meet: %s at %s, %s at %s", who(first).c_str(),
               place(m.threads[first].at).c_str(), who(i).c_str(), place(m.threads[i].at).c_str());
      return false;
    }
  ++m.moment;
  for (unsigned i = 0; i < m.count; ++i)
    if (m.threads[i].state == State::in_block) m.threads[i].state = State::ready, m.threads[i].now.block = m.moment;
  return true;
}

void report_deadlock() {
  Machine& m = machine();
  std::string text = "deadlock:";
  for (unsigned w = 0; w < m.count / 32; ++w) {
    text += " warp " + std::to_string(w) + " ";
    const Thread& t = m.threads[w * 32];
    text += t.state == State::done ? "returned;" : std::string(t.what) + " at " + place(t.at) + ";";
  }
  complain("%s", text.c_str());
}

void run_block() {
  Machine& m = machine();
  std::memset(m.shared.data(), 0xff, m.shared_bytes);
  std::fill(m.cells.begin(), m.cells.begin() + m.shared_bytes / 2, Cell{});
  ++m.moment;
  for (unsigned i = 0; i < m.count; ++i) prepare(i);
  const unsigned warps = m.count / 32;
  unsigned chosen = 0;
  std::vector<unsigned> ready;
  for (;;) {
    ready.clear();
    bool alive = false;
    for (unsigned w = 0; w < warps; ++w) {
      bool any = false;
      for (unsigned i = w * 32; i < w * 32 + 32; ++i)
        any |= m.threads[i].state == State::ready, alive |= m.threads[i].state != State::done;
      if (any) ready.push_back(w);
    }
    if (!alive) return;
    if (ready.empty()) {
      if (!pass_block_barrier() && !m.stopped) report_deadlock();
      if (m.stopped) return;
      continue;
    }
    const bool stay = m.seed % 2 == 1 && m.seed > 1 && std::find(ready.begin(), ready.end(), chosen) != ready.end();
    if (!stay) chosen = m.seed == 0 ? ready.front() : m.seed == 1 ? ready.back() : ready[next_random() % ready.size()];
    run_warp(chosen);
    if (!m.stopped) meet_warp(chosen);
    if (m.stopped) return;
  }
}

}  // namespace

void schedule(uint64_t seed, Copies copies) {
  machine().seed = seed;
  machine().random = seed * 0x9e3779b97f4a7c15ull + 88172645463325252ull;
  machine().copies = copies;
}

bool run_grid(Extent grid, Extent block, uint32_t shared_bytes, const std::function<void()>& body) {
  Machine& m = machine();
  m.stopped = false;
  m.count = block.x;
  if (block.y != 1 || block.z != 1 || block.x == 0 || block.x > kMaxThreads || block.x % 32 ||
      shared_bytes > kMaxShared || grid.y > 65535 || grid.z > 65535 || grid.x == 0 || grid.y == 0 || grid.z == 0) {
    complain("launch of grid (%u,%u,%u), block (%u,%u,%u), %u shared bytes is not possible", grid.x, grid.y, grid.z,
             block.x, block.y, block.z, shared_bytes);
    return false;
  }
  if (!m.stacks) {
    void* p =
        mmap(nullptr, kStack * kMaxThreads, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) std::abort();
    m.stacks = static_cast<unsigned char*>(p);
  }
  m.grid = grid;
  m.shared_bytes = (shared_bytes + 15) & ~15u;
  m.body = &body;
  std::vector<uint64_t> order(size_t(grid.x) * grid.y * grid.z);
  for (size_t i = 0; i < order.size(); ++i) order[i] = m.seed == 1 ? order.size() - 1 - i : i;
  if (m.seed > 1)
    for (size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[next_random() % (i + 1)]);
  for (const uint64_t b : order) {
    m.block_at = {unsigned(b % grid.x), unsigned(b / grid.x % grid.y), unsigned(b / grid.x / grid.y)};
    run_block();
    if (m.stopped) return false;
  }
  return true;
}

const std::string& error() { return machine().error; }
void clear_error() { machine().error.clear(); }
std::vector<std::string> synchronisations() { return {machine().sites.begin(), machine().sites.end()}; }
void drop(const std::string& synchronisation) { machine().dropped = synchronisation; }

unsigned thread_id() { return machine().running; }
Extent block_id() { return machine().block_at; }
Extent grid_size() { return machine().grid; }

void sync_block(const Site& at) {
  if (!is_dropped("sync_block", at)) wait_as(State::in_block, "sync_block", at);
}

void sync_warp(const Site& at) {
  if (is_dropped("sync_warp", at)) return;
  self().collective = nullptr;
  wait_as(State::in_warp, "sync_warp", at);
}

void meet(Collective collective, void* operand, const Site& at) {
  self().collective = collective;
  self().operand = operand;
  wait_as(State::in_warp, "a warp operation", at);
}

void shared_read_as(unsigned lane, uint32_t address, void* to, uint32_t bytes, const Site& at) {
  Machine& m = machine();
  const unsigned caller = m.running, id = caller / 32 * 32 + lane;
  (void)caller;
  if (address % bytes || address > m.shared_bytes || bytes > m.shared_bytes - address) {
    complain("%s: %s: matrix row at shared byte %u of %u", place(at).c_str(), who(id).c_str(), address, m.shared_bytes);
    return;
  }
  for (uint32_t i = 0; i < bytes && !m.stopped; i += 2) {
    // Runs in the scheduler: a complaint is recorded and the block ends when control returns there.
    Cell& c = m.cells[(address + i) / 2];
    const Moment& now = m.threads[id].now;
    if (c.pending != kNobody)
      complain("%s: %s: shared byte %u awaits an asynchronous copy of %s", place(at).c_str(), who(id).c_str(),
               address + i, who(c.pending).c_str());
    else if (c.writer != kNobody && !ordered(c.writer, c.write, id, now))
      complain("%s: %s: race on shared byte %u, written by %s without a barrier between", place(at).c_str(),
               who(id).c_str(), address + i, who(c.writer).c_str());
    else
      check_cell(id, address + i, false, at);
  }
  std::memcpy(to, m.shared.data() + address, bytes);
}

void shared_read(uint32_t address, void* to, uint32_t bytes, const Site& at) {
  check_shared(address, bytes, at);
  for (uint32_t i = 0; i < bytes; i += 2) check_cell(machine().running, address + i, false, at);
  std::memcpy(to, machine().shared.data() + address, bytes);
}

void shared_write(uint32_t address, const void* from, uint32_t bytes, const Site& at) {
  check_shared(address, bytes, at);
  for (uint32_t i = 0; i < bytes; i += 2) check_cell(machine().running, address + i, true, at);
  std::memcpy(machine().shared.data() + address, from, bytes);
}

void copy_async(uint32_t to, const void* from, uint32_t bytes, bool valid, const Site& at) {
  Machine& m = machine();
  check_shared(to, bytes, at);
  if (valid) check_aligned(from, bytes, at);
  for (uint32_t i = 0; i < bytes; i += 2) {
    check_cell(m.running, to + i, true, at);  // the bytes may arrive from now on
    m.cells[(to + i) / 2].pending = uint16_t(m.running);
  }
  const Copy c{to, from, valid};
  if (m.copies == Copies::early || (m.copies == Copies::random && next_random() % 2)) arrive(self(), c);
  self().open.push_back(c);
}

void copy_commit() {
  self().groups.push_back(self().open);
  self().open.clear();
}

void copy_wait(unsigned groups_left, const Site& at) {
  if (is_dropped("copy_wait", at)) return;
  Machine& m = machine();
  Thread& t = self();
  while (t.groups.size() > groups_left) {
    for (const Copy& c : t.groups.front()) {
      if (m.copies != Copies::early) arrive(t, c);  // random: arriving twice is harmless, the source does not change
      for (uint32_t i = 0; i < 16; i += 2) {
        Cell& cell = m.cells[(c.to + i) / 2];
        cell.pending = kNobody;
        cell.writer = uint16_t(m.running);
        cell.write = t.now;
      }
    }
    t.groups.erase(t.groups.begin());
  }
}

void check_aligned(const void* p, uint32_t bytes, const Site& at) {
  if (reinterpret_cast<uintptr_t>(p) % bytes)
    stop("%s: %s: global address %p is not a multiple of %u", place(at).c_str(), who(machine().running).c_str(), p,
         bytes);
}

}  // namespace emu
