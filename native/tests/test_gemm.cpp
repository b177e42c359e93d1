// Contract test of gemm, conv2d and patch_embed: every instruction set present, against double precision.
// The bound: k products summed in any one order lose at most k u sum |a w| (u = 2^-24), bias and residual one rounding each; an
// activation passes that on with a slope of at most 1.13 and adds its own few ulp. The largest error found is printed as a share of it.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <functional>
#include <string>
#include <vector>

#include "jclip.h"

namespace {

const char* const kNames[] = {"ref", "avx2", "avx512"};
constexpr double kUnit = 1.0 / (1 << 24);
constexpr int64_t kZone = 64;  // floats of red zone on both sides

int failures = 0;
jc_context context;

void fail(const std::string& what) {
  if (++failures <= 20) printf("FAILED %s: %s\n", kNames[context.isa], what.c_str());
}

uint64_t state = 88172645463325252ull;
// Long sums are tested with whole numbers too, which no order of addition rounds: the bound grows with k and would hide a lost term.
bool whole = false;

float next() {  // in [-1, 1), every bit of the mantissa used; or whole numbers from -8 to 7
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  if (whole) return static_cast<float>(static_cast<int>(state >> 60) - 8);
  return static_cast<float>(static_cast<double>(static_cast<int64_t>(state)) * 0x1p-63);
}

// Floats between two red zones, aligned to 64 bytes; poisoned with NaN or filled with numbers.
class Buffer {
 public:
  explicit Buffer(int64_t count, bool numbers = false) : count_(count) {
    size_t bytes = static_cast<size_t>((count + 2 * kZone) * 4 + 63) / 64 * 64;
    memory_ = static_cast<float*>(aligned_alloc(64, bytes));
    memset(memory_, 0xff, bytes);
    for (int64_t i = 0; numbers && i < count; ++i) at(i) = next();
  }
  ~Buffer() {
    for (int64_t i = 0; i < kZone; ++i) {
      if (!untouched(memory_[i]) || !untouched(memory_[kZone + count_ + i])) {
        fail("wrote into a red zone");
        break;
      }
    }
    free(memory_);
  }
  Buffer(const Buffer&) = delete;
  float* data() { return memory_ + kZone; }
  float& at(int64_t i) { return memory_[kZone + i]; }
  int64_t bytes() const { return count_ * 4; }
  static bool untouched(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits == 0xffffffffu;
  }

 private:
  int64_t count_;
  float* memory_;
};

double activate(double x, int64_t activation) {
  if (activation == JC_RELU) return x < 0 ? 0 : x;
  if (activation == JC_QUICK_GELU) return x / (1 + exp(-1.702 * x));
  if (activation == JC_GELU) return 0.5 * x * erfc(-x * M_SQRT1_2);
  return x;
}

// One output element in double precision, and what single precision may lose.
struct Truth {
  double sum = 0, magnitude = 0;
  int64_t terms = 0;
  void add(float a, float b) {
    sum += static_cast<double>(a) * b;
    magnitude += fabs(static_cast<double>(a) * b);
    ++terms;
  }
  void add(float a) { add(a, 1); }
  double value(int64_t activation) const { return activate(sum, activation); }
  double bound(int64_t activation) const {
    double slope = activation >= JC_QUICK_GELU ? 1.13 : 1;
    double own = activation >= JC_QUICK_GELU ? 16 * kUnit * fabs(value(activation)) + 1e-37 : 0;
    return (whole ? 0 : slope) * 1.001 * static_cast<double>(terms) * kUnit * magnitude + own + 1e-44;
  }
};

double worst = 0;  // largest error found, as a share of its bound

// False if the value lies outside the bound.
bool close_to(float y, const Truth& truth, int64_t activation) {
  double error = fabs(y - truth.value(activation)), share = error == 0 ? 0 : error / truth.bound(activation);
  if (!(share <= 1)) return false;
  if (share > worst) worst = share;
  return true;
}

bool same(const float* a, const float* b, int64_t count) {
  return count == 0 || memcmp(a, b, static_cast<size_t>(count) * 4) == 0;
}

std::string text(const char* format, int64_t a, int64_t b, int64_t c, int64_t d = 0) {
  char out[128];
  snprintf(out, sizeof out, format, static_cast<long>(a), static_cast<long>(b), static_cast<long>(c),
           static_cast<long>(d));
  return out;
}

const int64_t kThreads[] = {1, 2, 3, 7};

// Runs `call` (which allocates poisoned outputs and workspace, and returns the output) for every thread count: all bytes agree.
std::vector<float> same_for_threads(const std::string& name, const std::function<std::vector<float>()>& call) {
  std::vector<float> first;
  for (int64_t threads : kThreads) {
    jc_threads(threads);
    std::vector<float> y = call();
    if (first.empty()) {
      first = y;
    } else if (!same(first.data(), y.data(), static_cast<int64_t>(y.size()))) {
      fail(name + " differs with " + std::to_string(threads) + " threads");
    }
  }
  jc_threads(2);
  return first;
}

void expect_ok(int32_t status, const std::string& name) {
  if (status != JC_OK) fail(name + " says " + context.message);
}

// ---- gemm ------------------------------------------------------------------------------------------------------------------

enum Residual { kNone, kSeparate, kInPlace };

struct Gemm {
  int64_t rows, n, k, padding;
  Residual residual;
  int64_t activation;
  int64_t live;  // -1: none
  bool bias;
  bool transposed;  // the weights are given k-major
};

struct GemmData {
  Gemm g;
  Buffer a, w, packed, bias, residual;
  explicit GemmData(const Gemm& g)
      : g(g),
        a(g.rows * (g.k + g.padding), true),
        w(g.n * g.k, true),
        packed(jc_gemm_packed_bytes(&context, g.n, g.k) / 4),
        bias(g.n, true),
        residual(g.rows * (g.n + g.padding), true) {
    jc_gemm_pack_args pack{w.data(), packed.data(), g.n, g.k, g.transposed ? 1 : g.k, g.transposed ? g.n : 1, JC_F32};
    expect_ok(jc_gemm_pack(&context, &pack), "gemm_pack");
  }
  float weight(int64_t j, int64_t i) { return w.at(g.transposed ? i * g.n + j : j * g.k + i); }
};

std::vector<float> run_gemm(GemmData& d, int64_t first, int64_t rows, bool tight = false) {
  const Gemm& g = d.g;
  int64_t ldy = g.n + g.padding;
  Buffer y(rows * ldy);
  if (g.residual == kInPlace) memcpy(y.data(), d.residual.data() + first * ldy, static_cast<size_t>(y.bytes()));
  jc_gemm_args args{};
  args.a = d.a.data() + first * (g.k + g.padding);
  args.packed = d.packed.data();
  args.bias = g.bias ? d.bias.data() : nullptr;
  if (g.residual == kSeparate) args.residual = d.residual.data() + first * ldy;
  if (g.residual == kInPlace) args.residual = y.data();
  args.y = y.data();
  args.rows = rows, args.n = g.n, args.k = g.k;
  args.lda = g.k + g.padding, args.ldy = args.ld_residual = ldy;
  args.activation = g.activation;
  args.live = g.live >= 0 ? &g.live : nullptr;
  if (tight) context.threads = 1;  // asks for the workspace of one thread, and lets more try
  Buffer workspace(jc_gemm_workspace(&context, &args) / 4);
  context.threads = 0;
  args.workspace = workspace.data(), args.workspace_bytes = workspace.bytes();
  expect_ok(jc_gemm(&context, &args), "gemm");
  for (int64_t i = 0; i < rows && g.padding > 0 && g.residual != kInPlace; ++i) {
    if (!Buffer::untouched(y.at(i * ldy + g.n))) fail("gemm wrote between rows");
  }
  std::vector<float> out;
  for (int64_t i = 0; i < rows; ++i) out.insert(out.end(), y.data() + i * ldy, y.data() + i * ldy + g.n);
  return out;
}

void test_gemm(const Gemm& g) {
  GemmData d(g);
  std::string name = text("gemm %ldx%ldx%ld act %ld", g.rows, g.n, g.k, g.activation);
  std::vector<float> y = same_for_threads(name, [&] { return run_gemm(d, 0, g.rows); });
  int64_t live = g.live >= 0 && g.live < g.rows ? g.live : g.rows;
  bool noticed = false;
  for (int64_t i = 0; i < g.rows; ++i) {
    for (int64_t j = 0; j < g.n; ++j) {
      float value = y[static_cast<size_t>(i * g.n + j)];
      if (i >= live) {
        if (value != 0) return fail(name + " leaves a dead row");
        continue;
      }
      Truth t, dropped;
      for (int64_t l = 0; l < g.k; ++l) {
        t.add(d.a.at(i * (g.k + g.padding) + l), d.weight(j, l));
        if (l + 1 < g.k) dropped.add(d.a.at(i * (g.k + g.padding) + l), d.weight(j, l));
      }
      if (g.bias) t.add(d.bias.at(j)), dropped.add(d.bias.at(j));
      if (g.residual != kNone) {
        float r = d.residual.at(i * (g.n + g.padding) + j);
        t.add(r), dropped.add(r);
      }
      if (!close_to(value, t, g.activation)) return fail(name + text(" is wrong at row %ld column %ld", i, j, 0));
      double before = worst;
      if (!close_to(value, dropped, g.activation)) noticed = true;
      worst = before;
    }
  }
  if (live * g.n >= 16 && !noticed) fail(name + ": a dropped term would pass");
  if (!same(run_gemm(d, 0, g.rows, true).data(), y.data(), g.rows * g.n)) fail(name + " differs with less workspace");
  // Rows on their own, first, in the middle and last: the same bytes.
  for (int64_t i = 0; g.live < 0 && i<g.rows; i += g.rows> 6 ? g.rows / 5 : 1) {
    if (!same(run_gemm(d, i, 1).data(), y.data() + i * g.n, g.n)) fail(name + " differs for a row on its own");
  }
  if (g.live < 0 && g.rows > 2 && !same(run_gemm(d, 1, g.rows - 2).data(), y.data() + g.n, (g.rows - 2) * g.n)) {
    fail(name + " differs for rows in the middle");
  }
}

void test_gemms() {
  // Sizes around the tiles: 6 and 14 rows, 16 and 32 columns, chunks of 16.
  const int64_t rows[] = {1, 2, 3, 5, 6, 7, 13, 14, 15, 28, 29, 50, 97};
  const int64_t columns[] = {1, 7, 15, 16, 17, 31, 32, 33, 64, 101};
  const int64_t depths[] = {1, 3, 15, 16, 17, 31, 64, 113};
  int64_t count = 0;
  for (int64_t m : rows) {
    for (int64_t n : columns) {
      for (int64_t k : depths) {
        if (++count % 3 != 0 && m != 1 && m != 14) continue;
        Gemm g{m,
               n,
               k,
               count % 2 * 5,
               static_cast<Residual>(count % 3),
               count / 2 % 4,
               -1,
               count % 5 != 0,
               count % 7 == 0};
        if (count % 11 == 0) g.live = count % (m + 2);
        test_gemm(g);
      }
    }
  }
  // Large enough for several threads, blocks of rows and groups of columns.
  test_gemm({50, 768, 768, 0, kInPlace, JC_IDENTITY, -1, true, false});
  test_gemm({300, 224, 512, 3, kSeparate, JC_QUICK_GELU, -1, true, true});
  test_gemm({61, 250, 3072, 0, kNone, JC_GELU, 44, true, false});
  test_gemm({1, 769, 1031, 0, kNone, JC_RELU, -1, false, false});
  // Deep sums.
  for (int64_t k : {1023, 1024, 1025, 2049}) test_gemm({43, 75, k, 1, kInPlace, JC_QUICK_GELU, -1, true, false});
  whole = true;
  for (int64_t k : {768, 1023, 1024, 1025, 2049}) test_gemm({43, 75, k, 1, kInPlace, JC_IDENTITY, -1, true, false});
  test_gemm({29, 40, 9216, 0, kSeparate, JC_RELU, -1, true, false});
  test_gemm({130, 64, 300, 0, kSeparate, JC_RELU, -1, true, false});
  whole = false;
  test_gemm({0, 16, 16, 0, kNone, JC_RELU, -1, false, false});
}

// ---- conv2d ----------------------------------------------------------------------------------------------------------------

struct Conv {
  int64_t batch, height, width, channels, out, kernel, stride, padding;
  bool nchw;
  Residual residual;
  int64_t activation;
};

struct ConvData {
  Conv c;
  int64_t out_height, out_width;
  Buffer x, w, packed, bias, residual;
  explicit ConvData(const Conv& c)
      : c(c),
        out_height((c.height + 2 * c.padding - c.kernel) / c.stride + 1),
        out_width((c.width + 2 * c.padding - c.kernel) / c.stride + 1),
        x(c.batch * c.height * c.width * c.channels, true),
        w(c.out * c.channels * c.kernel * c.kernel, true),
        packed(jc_conv2d_packed_bytes(&context, c.out, c.channels, c.kernel) / 4),
        bias(c.out, true),
        residual(c.batch * out_height * out_width * c.out, true) {
    jc_conv2d_pack_args pack{w.data(), packed.data(), c.out, c.channels, c.kernel, 0};
    expect_ok(jc_conv2d_pack(&context, &pack), "conv2d_pack");
  }
  int64_t picture() const { return c.height * c.width * c.channels; }
  int64_t x_row() const { return c.nchw ? c.width : c.width * c.channels; }
  int64_t x_column() const { return c.nchw ? 1 : c.channels; }
  int64_t x_channel() const { return c.nchw ? c.height * c.width : 1; }
  float pixel(int64_t b, int64_t row, int64_t column, int64_t channel) {
    if (row < 0 || row >= c.height || column < 0 || column >= c.width) return 0;
    return x.at(b * picture() + row * x_row() + column * x_column() + channel * x_channel());
  }
};

std::vector<float> run_conv(ConvData& d, int64_t first, int64_t batch) {
  const Conv& c = d.c;
  int64_t size = d.out_height * d.out_width * c.out;
  Buffer y(batch * size);
  if (c.residual == kInPlace) memcpy(y.data(), d.residual.data() + first * size, static_cast<size_t>(y.bytes()));
  jc_conv2d_args args{};
  args.x = d.x.data() + first * d.picture();
  args.packed = d.packed.data();
  args.bias = d.bias.data();
  if (c.residual == kSeparate) args.residual = d.residual.data() + first * size;
  if (c.residual == kInPlace) args.residual = y.data();
  args.y = y.data();
  args.batch = batch, args.height = c.height, args.width = c.width, args.channels = c.channels;
  args.x_batch = d.picture(), args.x_row = d.x_row(), args.x_column = d.x_column(), args.x_channel = d.x_channel();
  args.out_channels = c.out, args.kernel = c.kernel, args.stride = c.stride, args.padding = c.padding;
  args.activation = c.activation;
  Buffer workspace(jc_conv2d_workspace(&context, &args) / 4);
  args.workspace = workspace.data(), args.workspace_bytes = workspace.bytes();
  expect_ok(jc_conv2d(&context, &args), "conv2d");
  return std::vector<float>(y.data(), y.data() + batch * size);
}

void test_conv(const Conv& c) {
  ConvData d(c);
  std::string name = text("conv2d %ldx%ldx%ld kernel %ld", c.height, c.width, c.channels, c.kernel) +
                     text(" stride %ld padding %ld -> %ld", c.stride, c.padding, c.out);
  std::vector<float> y = same_for_threads(name, [&] { return run_conv(d, 0, c.batch); });
  size_t at = 0;
  for (int64_t b = 0; b < c.batch; ++b) {
    for (int64_t row = 0; row < d.out_height; ++row) {
      for (int64_t column = 0; column < d.out_width; ++column) {
        for (int64_t o = 0; o < c.out; ++o, ++at) {
          Truth t;
          for (int64_t ch = 0; ch < c.channels; ++ch) {
            for (int64_t i = 0; i < c.kernel; ++i) {
              for (int64_t j = 0; j < c.kernel; ++j) {
                t.add(d.pixel(b, row * c.stride - c.padding + i, column * c.stride - c.padding + j, ch),
                      d.w.at(((o * c.channels + ch) * c.kernel + i) * c.kernel + j));
              }
            }
          }
          t.add(d.bias.at(o));
          if (c.residual != kNone) t.add(d.residual.at(static_cast<int64_t>(at)));
          if (!close_to(y[at], t, c.activation))
            return fail(name + text(" is wrong at %ld, %ld, channel %ld", row, column, o));
        }
      }
    }
  }
  int64_t size = static_cast<int64_t>(y.size()) / c.batch;
  for (int64_t b = 0; b < c.batch; ++b) {
    if (!same(run_conv(d, b, 1).data(), y.data() + b * size, size)) fail(name + " differs for a picture on its own");
  }
}

void test_convs() {
  test_conv({2, 9, 11, 3, 8, 3, 2, 1, true, kNone, JC_RELU});
  test_conv({3, 31, 30, 3, 40, 3, 2, 1, true, kNone, JC_RELU});
  test_conv({2, 7, 7, 16, 33, 3, 1, 1, false, kSeparate, JC_RELU});
  test_conv({2, 7, 5, 40, 31, 3, 1, 1, false, kInPlace, JC_RELU});
  test_conv({1, 14, 14, 48, 32, 3, 2, 1, false, kNone, JC_IDENTITY});
  test_conv({2, 6, 7, 64, 65, 1, 1, 0, false, kInPlace, JC_RELU});
  test_conv({2, 9, 7, 17, 5, 1, 2, 0, false, kNone, JC_QUICK_GELU});
  test_conv({1, 5, 5, 7, 9, 5, 1, 2, false, kNone, JC_GELU});
  test_conv({1, 1, 1, 1, 1, 1, 1, 0, false, kNone, JC_IDENTITY});
  test_conv({1, 1, 1, 5, 3, 3, 1, 1, true, kNone, JC_IDENTITY});
  test_conv({2, 24, 24, 64, 64, 3, 1, 1, false, kSeparate, JC_RELU});
  whole = true;
  test_conv({2, 14, 13, 128, 64, 3, 1, 1, false, kInPlace, JC_RELU});
  test_conv({2, 15, 17, 48, 96, 3, 2, 1, false, kNone, JC_RELU});
  whole = false;
}

// ---- patch_embed -----------------------------------------------------------------------------------------------------------

struct Patches {
  int64_t batch, height, width, patch, out;
  bool class_row, positional;
};

struct PatchData {
  Patches p;
  int64_t k, columns, grid, first;
  Buffer pixels, w, packed, class_embedding, positional;
  explicit PatchData(const Patches& p)
      : p(p),
        k(3 * p.patch * p.patch),
        columns(p.width / p.patch),
        grid(p.height / p.patch * columns),
        first(p.class_row ? 1 : 0),
        pixels(p.batch * 3 * p.height * p.width, true),
        w(p.out * k, true),
        packed(jc_gemm_packed_bytes(&context, p.out, k) / 4),
        class_embedding(p.out, true),
        positional((first + grid) * p.out, true) {
    jc_gemm_pack_args pack{w.data(), packed.data(), p.out, k, k, 1, JC_F32};
    expect_ok(jc_gemm_pack(&context, &pack), "gemm_pack");
  }
};

std::vector<float> run_patches(PatchData& d, int64_t first, int64_t batch) {
  Buffer y(batch * (d.first + d.grid) * d.p.out);
  jc_patch_embed_args args{};
  args.pixels = d.pixels.data() + first * 3 * d.p.height * d.p.width;
  args.packed = d.packed.data();
  args.class_embedding = d.p.class_row ? d.class_embedding.data() : nullptr;
  args.positional = d.p.positional ? d.positional.data() : nullptr;
  args.y = y.data();
  args.batch = batch, args.height = d.p.height, args.image_width = d.p.width, args.patch = d.p.patch,
  args.width = d.p.out;
  Buffer workspace(jc_patch_embed_workspace(&context, &args) / 4);
  args.workspace = workspace.data(), args.workspace_bytes = workspace.bytes();
  expect_ok(jc_patch_embed(&context, &args), "patch_embed");
  return std::vector<float>(y.data(), y.data() + y.bytes() / 4);
}

void test_patches(const Patches& p) {
  PatchData d(p);
  std::string name = text("patch_embed %ldx%ld / %ld -> %ld", p.height, p.width, p.patch, p.out);
  std::vector<float> y = same_for_threads(name, [&] { return run_patches(d, 0, p.batch); });
  int64_t rows = d.first + d.grid;
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t o = 0; o < p.out; ++o) {
        Truth t;
        if (row < d.first) {
          t.add(d.class_embedding.at(o));
        } else {
          int64_t top = (row - d.first) / d.columns * p.patch, left = (row - d.first) % d.columns * p.patch;
          for (int64_t i = 0; i < d.k; ++i) {
            int64_t ch = i / (p.patch * p.patch), v = top + i / p.patch % p.patch, u = left + i % p.patch;
            t.add(d.pixels.at(((b * 3 + ch) * p.height + v) * p.width + u), d.w.at(o * d.k + i));
          }
        }
        if (p.positional) t.add(d.positional.at(row * p.out + o));
        if (!close_to(y[static_cast<size_t>((b * rows + row) * p.out + o)], t, JC_IDENTITY)) {
          return fail(name + text(" is wrong at picture %ld row %ld column %ld", b, row, o));
        }
      }
    }
  }
  int64_t size = static_cast<int64_t>(y.size()) / p.batch;
  for (int64_t b = 0; b < p.batch; ++b) {
    if (!same(run_patches(d, b, 1).data(), y.data() + b * size, size)) fail(name + " differs for a picture on its own");
  }
}

void test_all_patches() {
  test_patches({3, 32, 32, 16, 40, true, true});
  test_patches({2, 28, 43, 14, 33, true, true});
  test_patches({2, 15, 10, 5, 7, false, true});
  test_patches({1, 64, 64, 32, 17, true, false});
  test_patches({2, 4, 4, 4, 3, false, false});
  test_patches({2, 96, 96, 16, 200, true, true});
}

// ---- refusals --------------------------------------------------------------------------------------------------------------

template <class Args, class Change>
void refuse(const char* what, int32_t (*op)(jc_context*, const Args*), Args args, Change change) {
  change(args);
  context.message[0] = 0;
  if (op(&context, &args) != JC_INVALID || context.message[0] == 0) fail(std::string("does not refuse ") + what);
}

void test_refusals() {
  Buffer a(64, true), w(64, true), packed(4096), y(64), workspace(4096);
  jc_gemm_pack_args pack{w.data(), packed.data(), 8, 8, 8, 1, JC_F32};
  expect_ok(jc_gemm_pack(&context, &pack), "gemm_pack");
  refuse("n = 0", jc_gemm_pack, pack, [](auto& p) { p.n = 0; });
  refuse("null weights", jc_gemm_pack, pack, [](auto& p) { p.w = nullptr; });
  refuse("unaligned packed", jc_gemm_pack, pack, [](auto& p) { p.packed = static_cast<float*>(p.packed) + 1; });
  jc_gemm_args g{};
  g.a = a.data(), g.packed = packed.data(), g.y = y.data(), g.rows = 8, g.n = 8, g.k = 8, g.lda = 8, g.ldy = 8;
  g.workspace = workspace.data(), g.workspace_bytes = workspace.bytes();
  expect_ok(jc_gemm(&context, &g), "gemm");
  refuse("rows < 0", jc_gemm, g, [](auto& p) { p.rows = -1; });
  refuse("k = 0", jc_gemm, g, [](auto& p) { p.k = 0; });
  refuse("n = 2^40", jc_gemm, g, [](auto& p) { p.n = p.ldy = int64_t{1} << 40; });
  refuse("null a", jc_gemm, g, [](auto& p) { p.a = nullptr; });
  refuse("null y", jc_gemm, g, [](auto& p) { p.y = nullptr; });
  refuse("lda < k", jc_gemm, g, [](auto& p) { p.lda = 7; });
  refuse("ldy < n", jc_gemm, g, [](auto& p) { p.ldy = 7; });
  refuse("activation 4", jc_gemm, g, [](auto& p) { p.activation = 4; });
  refuse("unaligned packed", jc_gemm, g, [](auto& p) { p.packed = static_cast<const float*>(p.packed) + 1; });
  refuse("unaligned workspace", jc_gemm, g, [](auto& p) { p.workspace = static_cast<float*>(p.workspace) + 1; });
  int64_t negative = -1;
  refuse("live < 0", jc_gemm, g, [&](auto& p) { p.live = &negative; });
  jc_conv2d_args c{};
  c.x = a.data(), c.packed = packed.data(), c.y = y.data(), c.batch = 1, c.height = c.width = 4, c.channels = 4;
  c.x_batch = 64, c.x_row = 16, c.x_column = 4, c.x_channel = 1, c.out_channels = 4, c.kernel = c.stride = 1;
  c.workspace = workspace.data(), c.workspace_bytes = workspace.bytes();
  refuse("stride 0", jc_conv2d, c, [](auto& p) { p.stride = 0; });
  refuse("kernel 9 on 4", jc_conv2d, c, [](auto& p) { p.kernel = 9; });
  refuse("padding = kernel", jc_conv2d, c, [](auto& p) { p.padding = 1; });
  refuse("null x", jc_conv2d, c, [](auto& p) { p.x = nullptr; });
  jc_patch_embed_args e{};
  e.pixels = a.data(), e.packed = packed.data(), e.y = y.data(), e.batch = 1, e.height = e.image_width = 4, e.patch = 4;
  e.width = 4, e.workspace = workspace.data(), e.workspace_bytes = workspace.bytes();
  refuse("patch 0", jc_patch_embed, e, [](auto& p) { p.patch = 0; });
  refuse("patch > height", jc_patch_embed, e, [](auto& p) { p.patch = 5; });
  if (context.isa == JC_REF) return;
  refuse("no workspace", jc_gemm, g, [](auto& p) { p.workspace_bytes = 0; });
  context.threads = 1;
  int64_t one = jc_gemm_workspace(&context, &g);
  context.threads = 0;
  refuse("a workspace one byte too small", jc_gemm, g, [&](auto& p) { p.workspace_bytes = one - 1; });
  refuse("null workspace", jc_gemm, g, [](auto& p) { p.workspace = nullptr; });
  refuse("no workspace", jc_conv2d, c, [](auto& p) { p.workspace_bytes = 0; });
  refuse("no workspace", jc_patch_embed, e, [](auto& p) { p.workspace_bytes = 0; });
}

// A user's own product takes the place of the library's.
void test_provider() {
  context.gemm = [](jc_context*, const void* args) {
    static_cast<const jc_gemm_args*>(args)->y[0] = 42;
    return int32_t{JC_OK};
  };
  float y = 0;
  jc_gemm_args args{};
  args.y = &y;
  expect_ok(jc_gemm(&context, &args), "a provided gemm");
  if (y != 42) fail("a provided gemm is not called");
  context.gemm = nullptr;
}

}  // namespace

int main() {
  for (int64_t isa = JC_REF; isa <= jc_isa(); ++isa) {
    context.isa = isa;
    jc_threads(2);
    struct Part {
      const char* name;
      void (*run)();
    };
    for (Part part : {Part{"gemm", test_gemms}, Part{"conv2d", test_convs}, Part{"patch_embed", test_all_patches},
                      Part{"refusals", test_refusals}, Part{"provider", test_provider}}) {
      worst = 0;
      int before = failures;
      part.run();
      printf("%-7s %-12s %s, largest error %.3f of its bound\n", kNames[isa], part.name,
             failures == before ? "ok" : "FAILED", worst);
    }
  }
  return failures == 0 ? 0 : 1;
}
