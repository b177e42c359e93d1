// The emulator's own test: planted faults must be reported, correct kernels must pass, fragments must follow the
// tables.
#include <cstdio>
#include <functional>
#include <string>

#include "../jc_dev.cuh"

using namespace jc;

namespace {

int failures = 0;

// Runs a kernel of `warps` warps under every schedule. `expected`: part of the complaint, empty: there must be none.
void expect(const char* name, const char* expected, unsigned warps, uint32_t shared,
            const std::function<void()>& kernel) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    emu::schedule(seed, emu::Copies(seed % 3));
    emu::clear_error();
    emu::run_grid({2, 1, 1}, {warps * 32, 1, 1}, shared, kernel);
    const std::string got = emu::error();
    const bool good = *expected ? got.find(expected) != std::string::npos : got.empty();
    if (good) continue;
    std::printf("%s, schedule %d: expected \"%s\", got \"%s\"\n", name, int(seed), expected, got.c_str());
    ++failures;
    return;
  }
  std::printf("ok: %s\n", name);
}

void expect_value(const char* name, bool good) {
  std::printf("%s: %s\n", good ? "ok" : "WRONG", name);
  failures += !good;
}

float f(int i) { return float(i); }

void races() {
  expect("a store and a barrier before the load", "", 2, 256, [] {
    sts(uint32_t(thread_id()) * 4, f(thread_id()));
    sync_block();
    lds_f32(uint32_t(63 - thread_id()) * 4);
  });
  expect("a load of what another warp stores", "race", 2, 256, [] {
    sts(uint32_t(thread_id()) * 4, f(thread_id()));
    lds_f32(uint32_t(63 - thread_id()) * 4);
  });
  expect("two stores to one word", "race", 2, 256, [] { sts(4, f(thread_id())); });
  expect("a store after another's load", "race", 2, 256, [] {
    if (thread_id() == 0) sts(0, 1.f);
    sync_block();
    if (thread_id() == 5) lds_f32(0);
    if (thread_id() == 40) sts(0, 2.f);
  });
  expect("a store after many loads, one barrier too few", "race", 3, 256, [] {
    if (thread_id() == 0) sts(0, 1.f);
    sync_block();
    lds_f32(0);
    sync_warp();
    if (thread_id() == 70) sts(0, 2.f);
  });
  expect("a warp barrier orders a warp", "", 2, 256, [] {
    sts(uint32_t(thread_id()) * 4, f(thread_id()));
    sync_warp();
    lds_f32(uint32_t(thread_id() ^ 31) * 4);
  });
  expect("a warp barrier does not order two warps", "race", 2, 256, [] {
    sts(uint32_t(thread_id()) * 4, f(thread_id()));
    sync_warp();
    lds_f32(uint32_t(thread_id() ^ 32) * 4);
  });
  expect("a shuffle is no barrier", "race", 1, 256, [] {
    sts(uint32_t(thread_id()) * 4, f(thread_id()));
    shfl_xor(1.f, 1);
    lds_f32(uint32_t(thread_id() ^ 1) * 4);
  });
  expect("half a word stored by a neighbour", "race", 1, 256, [] {
    sts(uint32_t(thread_id()) * 2, uint16_t(7));
    if (thread_id() % 2 == 0) lds_f32(uint32_t(thread_id()) * 2);
  });
}

void waiting() {
  expect("threads at two block barriers", "different lines", 2, 0, [] {
    if (thread_id() < 32)
      sync_block();
    else
      sync_block();
  });
  expect("half a warp in a warp barrier", "has returned", 1, 0, [] {
    if (thread_id() < 16) sync_warp();
  });
  expect("half a warp in a shuffle, half in the block barrier", "waits for its warp", 1, 0, [] {
    if (thread_id() < 16)
      shfl_xor(1.f, 1);
    else
      sync_block();
  });
  expect("warps that return do not hold the others up", "", 3, 0, [] {
    if (thread_id() >= 64) return;
    sync_block();
  });
}

void memory() {
  expect("behind the end of shared memory", "shared bytes 256..259", 1, 256, [] { lds_f32(256); });
  expect("a misaligned 16-byte load", "not a multiple", 1, 256, [] { lds128(8); });
  alignas(16) static unsigned char global[64] = {};
  expect("a misaligned 16-byte global load", "not a multiple", 1, 256, [] { ldg128(global + 4); });
}

void copies() {
  alignas(16) static float source[512] = {};
  expect("copy, commit, wait, barrier, read", "", 2, 1024, [] {
    copy_async16(uint32_t(thread_id()) * 16, source + thread_id() * 4, true);
    copy_commit();
    copy_wait<0>();
    sync_block();
    lds128(uint32_t(63 - thread_id()) * 16);
  });
  expect("no wait", "awaits an asynchronous copy", 1, 1024, [] {
    copy_async16(uint32_t(thread_id()) * 16, source, true);
    copy_commit();
    sync_block();
    lds128(uint32_t(31 - thread_id()) * 16);
  });
  expect("a wait for one group too few", "awaits an asynchronous copy", 1, 1024, [] {
    for (uint32_t i = 0; i < 2; ++i) {
      copy_async16(uint32_t(thread_id()) * 32 + i * 16, source, true);
      copy_commit();
    }
    copy_wait<1>();
    lds128(uint32_t(thread_id()) * 32 + 16);
    copy_wait<0>();
  });
  expect("others read without a barrier", "race", 1, 1024, [] {
    copy_async16(uint32_t(thread_id()) * 16, source, true);
    copy_commit();
    copy_wait<0>();
    lds128(uint32_t(31 - thread_id()) * 16);
  });
  expect("a copy into what another is still reading", "race", 2, 1024, [] {
    sts(uint32_t(thread_id()) * 16, 1.f);
    sync_block();
    lds_f32(uint32_t(63 - thread_id()) * 16);
    copy_async16(uint32_t(thread_id()) * 16, source, true);
    copy_commit();
    copy_wait<0>();
  });
  expect("a copy that nobody waits for", "nobody waited", 1, 1024,
         [] { copy_async16(uint32_t(thread_id()) * 16, source, true); });
}

// mma through ldmatrix against a plain product, both operand forms.
void fragments() {
  static float a[16][64], b[64][64], c[16][64];
  for (int i = 0; i < 16; ++i)
    for (int k = 0; k < 64; ++k) a[i][k] = f((i * 7 + k * 3) % 17 - 8);
  for (int k = 0; k < 64; ++k)
    for (int j = 0; j < 64; ++j) b[k][j] = f((k * 5 + j * 11) % 13 - 6);
  for (int transposed = 0; transposed < 2; ++transposed) {
    emu::schedule(0, emu::Copies::late);
    emu::clear_error();
    emu::run_grid({1, 1, 1}, {32, 1, 1}, 2048 + 8192, [&] {
      const int lane = thread_id();
      auto put = [](uint32_t tile, int row, int column, float v) {
        sts(tile + swizzled(uint32_t(row), uint32_t(column / 8)) + uint32_t(column % 8) * 2, uint16_t(pack(v, 0.f)));
      };
      for (int i = lane; i < 16 * 64; i += 32) put(0, i / 64, i % 64, a[i / 64][i % 64]);
      for (int i = lane; i < 64 * 64; i += 32)
        transposed ? put(2048, i / 64, i % 64, b[i / 64][i % 64]) : put(2048, i % 64, i / 64, b[i / 64][i % 64]);
      sync_warp();
      float sum[8][4] = {};
      for (int step = 0; step < 4; ++step) {
        uint32_t fa[4], fb[4];
        load_a(fa, 0, 0, step, lane);
        for (int n = 0; n < 4; ++n) {
          if (transposed)
            load_b_transposed(fb, 2048, step * 16, n, lane);
          else
            load_b(fb, 2048, n * 16, step, lane);
          mma(sum[2 * n], fa, fb[0], fb[1]);
          mma(sum[2 * n + 1], fa, fb[2], fb[3]);
        }
      }
      for (int n = 0; n < 8; ++n)
        for (int e = 0; e < 4; ++e) c[lane / 4 + (e / 2) * 8][n * 8 + lane % 4 * 2 + e % 2] = sum[n][e];
    });
    bool good = emu::error().empty();
    for (int i = 0; i < 16; ++i)
      for (int j = 0; j < 64; ++j) {
        float ref = 0;
        for (int k = 0; k < 64; ++k) ref += a[i][k] * b[k][j];
        good &= c[i][j] == ref;
      }
    expect_value(transposed ? "product, b stored [depth][column]" : "product, b stored [column][depth]", good);
  }
}

void rounding() {
  expect_value("bf16 rounds to nearest, ties to even", pack(1.00390625f, 1.01171875f) == 0x3f823f80u);
  expect_value("bf16 keeps infinity, NaN and the sign of zero",
               pack(JC_INFINITY, -0.f) == 0x80007f80u && (pack(JC_NAN, 0.f) & 0x7fff) > 0x7f80);
}

void unset_memory() {
  float seen = 0;
  emu::clear_error();
  emu::run_grid({1, 1, 1}, {32, 1, 1}, 64, [&] { seen = lds_f32(0); });
  expect_value("shared memory starts as NaN", seen != seen);
}

}  // namespace

int main() {
  races();
  waiting();
  memory();
  copies();
  fragments();
  rounding();
  unset_memory();
  std::printf(failures ? "%d failures\n" : "all passed\n", failures);
  return failures != 0;
}
