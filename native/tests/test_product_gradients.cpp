// Contract test of the products' gradients, gemm_weight_gradient, conv2d_data_gradient and conv2d_weight_gradient, and of gemm in bf16;
// every instruction set present, against double precision.
// The bound: m terms (products, and what was there before) summed in any one order lose at most m u sum |term| (u = 2^-24). The largest
// error found is printed as a share of it.
// In bf16 the truth is that of operands rounded to nearest even, whose products single precision holds exactly; two of them may be summed
// before they meet the sum, which the bound allows. Denormal operands and sums may count as 0: 2^-126 a term, times the other factor.
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

// Values that lie halfway between two of bf16, and denormals, among the others.
bool hard = false;

float next() {  // in [-1, 1), every bit of the mantissa used; or whole numbers from -8 to 7
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  if (whole) return static_cast<float>(static_cast<int>(state >> 60) - 8);
  if (hard && state % 4 == 0) return static_cast<float>(static_cast<int>(state >> 32 & 0x1ff) - 256) / 256 * 0x1p-1f;
  if (hard && state % 64 == 1) return 1e-39f;
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
  // Numbers in rows of `width`, `stride` apart; what lies between them stays poisoned.
  void fill_rows(int64_t rows, int64_t width, int64_t stride) {
    for (int64_t i = 0; i < rows * width; ++i) at(i / width * stride + i % width) = next();
  }
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

float to_bf16(float x) {
  int exponent;
  double mantissa = frexp(static_cast<double>(x), &exponent);
  return static_cast<float>(ldexp(rint(mantissa * 256), exponent - 8));
}

std::vector<float> to_bf16(Buffer& x) {
  std::vector<float> y(x.data(), x.data() + x.bytes() / 4);
  for (float& value : y) value = to_bf16(value);
  return y;
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
  double lost = 1e-44;  // by denormals
  // Factors already rounded to bf16.
  void add_rounded(float a, float b) {
    add(a, b);
    lost += 0x1p-126 * (1 + fabs(a) + fabs(b));
  }
  double bound() const { return (whole ? 0 : 1.001 * static_cast<double>(terms) * kUnit * magnitude) + lost; }
};

double worst = 0;  // largest error found, as a share of its bound

// False if the value lies outside the bound.
bool close_to(float y, const Truth& truth) {
  double error = fabs(y - truth.sum), share = error == 0 ? 0 : error / truth.bound();
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

// ---- gemm_weight_gradient --------------------------------------------------------------------------------------------------

struct WeightGradient {
  int64_t rows, n, k, padding;
  int64_t live;  // -1: none
  bool bias;
  int64_t precision = JC_F32;
};

struct WeightGradientData {
  WeightGradient g;
  int64_t live, ldy, ldx, ldw;
  Buffer dy, x, dw, d_bias;
  // Rows of dy and x beyond the live ones hold NaN.
  explicit WeightGradientData(const WeightGradient& g)
      : g(g),
        live(g.live >= 0 && g.live < g.rows ? g.live : g.rows),
        ldy(g.n + g.padding),
        ldx(g.k + 2 * g.padding),
        ldw(g.k + g.padding),
        dy(g.rows * ldy),
        x(g.rows * ldx),
        dw(g.n * g.k, true),
        d_bias(g.n, true) {
    dy.fill_rows(live, g.n, ldy);
    x.fill_rows(live, g.k, ldx);
  }
};

// dw and behind it d_bias, after a call with `rows` rows of which `live` (or null) carry data.
std::vector<float> run_weight_gradient(WeightGradientData& d, int64_t rows, const int64_t* live) {
  const WeightGradient& g = d.g;
  Buffer dw(g.n * d.ldw), d_bias(g.n);
  for (int64_t j = 0; j < g.n; ++j) memcpy(&dw.at(j * d.ldw), &d.dw.at(j * g.k), static_cast<size_t>(g.k) * 4);
  memcpy(d_bias.data(), d.d_bias.data(), static_cast<size_t>(g.n) * 4);
  jc_gemm_weight_gradient_args args{};
  args.dy = d.dy.data(), args.x = d.x.data(), args.dw = dw.data();
  args.d_bias = g.bias ? d_bias.data() : nullptr;
  args.live = live;
  args.rows = rows, args.n = g.n, args.k = g.k, args.ldy = d.ldy, args.ldx = d.ldx, args.ldw = d.ldw;
  args.precision = g.precision;
  Buffer workspace(jc_gemm_weight_gradient_workspace(&context, &args) / 4);
  args.workspace = workspace.data(), args.workspace_bytes = workspace.bytes();
  expect_ok(jc_gemm_weight_gradient(&context, &args), "gemm_weight_gradient");
  std::vector<float> out;
  for (int64_t j = 0; j < g.n; ++j) {
    if (g.padding > 0 && !Buffer::untouched(dw.at(j * d.ldw + g.k))) fail("gemm_weight_gradient wrote between rows");
    out.insert(out.end(), dw.data() + j * d.ldw, dw.data() + j * d.ldw + g.k);
  }
  out.insert(out.end(), d_bias.data(), d_bias.data() + g.n);
  return out;
}

void test_weight_gradient(const WeightGradient& g) {
  WeightGradientData d(g);
  std::string name = text("gemm_weight_gradient %ld rows (%ld live), %ld x ", g.rows, g.live, g.n) +
                     std::to_string(g.k) + (g.precision == JC_BF16 ? " bf16" : "");
  std::vector<float> y =
      same_for_threads(name, [&] { return run_weight_gradient(d, g.rows, g.live >= 0 ? &g.live : nullptr); });
  std::vector<float> dy16, x16;
  if (g.precision == JC_BF16) dy16 = to_bf16(d.dy), x16 = to_bf16(d.x);
  bool noticed = false;
  for (int64_t j = 0; j < g.n; ++j) {
    for (int64_t i = 0; i <= g.k; ++i) {  // the last one: the bias
      bool bias = i == g.k;
      Truth t, dropped;
      t.add(bias ? d.d_bias.at(j) : d.dw.at(j * g.k + i));
      dropped = t;
      for (int64_t r = 0; r < d.live && !(bias && !g.bias); ++r) {
        float dy = d.dy.at(r * d.ldy + j), x = bias ? 1 : d.x.at(r * d.ldx + i);
        if (g.precision == JC_BF16 && !bias) {  // column sums are of dy as it is
          t.add_rounded(dy16[r * d.ldy + j], x16[r * d.ldx + i]);
        } else {
          t.add(dy, x);
        }
        if (r + 2 == d.live) dropped = t;
      }
      float value = y[static_cast<size_t>(bias ? g.n * g.k + j : j * g.k + i)];
      if (!close_to(value, t)) return fail(name + text(" is wrong at row %ld column %ld", j, i, 0));
      double before = worst;
      if (!close_to(value, dropped)) noticed = true;
      worst = before;
    }
  }
  if (d.live > 0 && g.n > 4 && g.k > 4 && !noticed) fail(name + ": a dropped row would pass");
  if (!same(run_weight_gradient(d, d.live, nullptr).data(), y.data(), static_cast<int64_t>(y.size()))) {
    fail(name + " differs without its dead rows");
  }
}

void test_weight_gradients(int64_t precision) {
  auto test = [precision](WeightGradient g) {
    g.precision = precision;
    test_weight_gradient(g);
  };
  // Sizes around the tiles, 6 and 14 columns of dy, 16 and 32 of x; rows around chunks of 16 and tasks of 32.
  const int64_t rows[] = {1, 2, 15, 16, 17, 31, 32, 33, 65};
  const int64_t outs[] = {1, 5, 6, 7, 13, 14, 15, 29, 64, 65};
  const int64_t ins[] = {1, 15, 16, 17, 31, 32, 33, 65};
  int64_t count = 0;
  for (int64_t m : rows) {
    for (int64_t n : outs) {
      for (int64_t k : ins) {
        if (++count % 2 != 0 && m != 1) continue;
        test({m, n, k, count % 3 * 5, count % 7 == 0 ? count % (m + 2) : -1, count % 5 != 0});
      }
    }
  }
  // Slices of at most 480 rows, in bf16 960; several threads, blocks and groups.
  for (int64_t m : {479, 480, 481, 960, 961}) test({m, 40, 70, 3, -1, true});
  whole = true;
  for (int64_t m : {479, 480, 481, 961, 1921, 3001}) test({m, 75, 43, 1, -1, true});
  test({1500, 65, 129, 0, 1201, true});
  test({500, 224, 260, 3, -1, true});
  test({60, 768, 250, 0, 44, false});
  whole = false;
  test({0, 16, 16, 0, -1, true});
  test({20, 16, 16, 0, 0, true});
}

void test_fp32_weight_gradients() { test_weight_gradients(JC_F32); }

void test_bf16_weight_gradients() {
  hard = true;
  test_weight_gradients(JC_BF16);
  hard = false;
}

// ---- gemm in bf16 ----------------------------------------------------------------------------------------------------------

struct Gemm {
  int64_t rows, n, k, padding, live;
  bool in_place, transposed;
};

struct GemmData {
  Gemm g;
  Buffer a, w, packed, bias, residual;
  explicit GemmData(const Gemm& g)
      : g(g),
        a(g.rows * (g.k + g.padding)),
        w(g.n * g.k, true),
        packed(jc_gemm_packed_bytes(&context, g.n, g.k) / 4),
        bias(g.n, true),
        residual(g.rows * g.n, true) {
    a.fill_rows(g.rows, g.k, g.k + g.padding);
    jc_gemm_pack_args pack{w.data(), packed.data(), g.n, g.k, g.transposed ? 1 : g.k, g.transposed ? g.n : 1, JC_BF16};
    expect_ok(jc_gemm_pack(&context, &pack), "gemm_pack");
  }
  float weight(int64_t j, int64_t i) { return w.at(g.transposed ? i * g.n + j : j * g.k + i); }
};

std::vector<float> run_gemm(GemmData& d, int64_t first, int64_t rows) {
  const Gemm& g = d.g;
  Buffer y(rows * g.n);
  jc_gemm_args args{};
  args.a = d.a.data() + first * (g.k + g.padding), args.packed = d.packed.data(), args.bias = d.bias.data();
  args.residual = d.residual.data() + first * g.n, args.y = y.data();
  if (g.in_place) {
    memcpy(y.data(), args.residual, static_cast<size_t>(y.bytes()));
    args.residual = y.data();
  }
  args.rows = rows, args.n = args.ldy = args.ld_residual = g.n, args.k = g.k, args.lda = g.k + g.padding;
  args.activation = JC_RELU, args.precision = JC_BF16;
  args.live = g.live >= 0 ? &g.live : nullptr;
  Buffer workspace(jc_gemm_workspace(&context, &args) / 4);
  args.workspace = workspace.data(), args.workspace_bytes = workspace.bytes();
  expect_ok(jc_gemm(&context, &args), "gemm");
  return std::vector<float>(y.data(), y.data() + rows * g.n);
}

void test_gemm(const Gemm& g) {
  GemmData d(g);
  std::string name = text("bf16 gemm %ldx%ldx%ld", g.rows, g.n, g.k);
  std::vector<float> y = same_for_threads(name, [&] { return run_gemm(d, 0, g.rows); });
  int64_t live = g.live >= 0 && g.live < g.rows ? g.live : g.rows, positive = 0;
  std::vector<float> a16 = to_bf16(d.a), w16 = to_bf16(d.w);
  bool dropped_noticed = false, rounding_noticed = false;
  for (int64_t at = 0; at < g.rows * g.n; ++at) {
    int64_t row = at / g.n, j = at % g.n;
    Truth t, dropped, unrounded;
    for (int64_t i = 0; i < g.k; ++i) {
      float x = d.a.at(row * (g.k + g.padding) + i), w = d.weight(j, i);
      t.add_rounded(a16[row * (g.k + g.padding) + i], w16[g.transposed ? i * g.n + j : j * g.k + i]);
      unrounded.add(x, w);
      if (i + 2 == g.k) dropped = t;
    }
    for (Truth* each : {&t, &dropped, &unrounded}) {
      each->add(d.bias.at(j)), each->add(d.residual.at(at));
      if (each->sum < 0) each->sum = 0;  // ReLU
    }
    if (row >= live) {
      if (y[at] != 0) return fail(name + " leaves a dead row");
      continue;
    }
    if (!close_to(y[at], t)) return fail(name + text(" is wrong at row %ld column %ld", row, j, 0));
    double before = worst;
    if (!close_to(y[at], dropped)) dropped_noticed = true;
    if (!close_to(y[at], unrounded)) rounding_noticed = true;
    worst = before;
    positive += y[at] > 0;
  }
  if (live > 4 && g.n > 4 && !dropped_noticed) fail(name + ": a dropped term would pass");
  if (live > 4 && g.n > 4 && !whole && !rounding_noticed) fail(name + ": products in fp32 would pass");
  if (live * g.n >= 64 && positive * 8 < live * g.n) fail(name + " is mostly zeros: mistrusted");
  for (int64_t i = 0; g.live < 0 && i<g.rows; i += g.rows> 6 ? g.rows / 5 : 1) {
    if (!same(run_gemm(d, i, 1).data(), y.data() + i * g.n, g.n)) fail(name + " differs for a row on its own");
  }
}

// Weights with other values between them are packed to the same bytes.
void test_strides(int64_t n, int64_t k) {
  Buffer w(n * k, true), apart(n * k * 6), packed(jc_gemm_packed_bytes(&context, n, k) / 4), again(packed.bytes() / 4);
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = 0; i < k; ++i) apart.at((j * k + i) * 6) = w.at(j * k + i);
  }
  for (int64_t precision : {JC_F32, JC_BF16}) {
    jc_gemm_pack_args dense{w.data(), packed.data(), n, k, k, 1, precision};
    jc_gemm_pack_args spread{apart.data(), again.data(), n, k, 6 * k, 6, precision};
    expect_ok(jc_gemm_pack(&context, &dense), "gemm_pack");
    expect_ok(jc_gemm_pack(&context, &spread), "gemm_pack");
    if (!same(packed.data(), again.data(), packed.bytes() / 4)) fail(text("gemm_pack %ldx%ld minds strides", n, k, 0));
  }
}

void test_bf16_gemms() {
  hard = true;
  for (int64_t k : {1, 31, 32, 33, 65}) test_strides(75, k);
  const int64_t rows[] = {1, 2, 13, 14, 15, 29, 97}, columns[] = {1, 15, 31, 32, 33, 101};
  const int64_t depths[] = {1, 2, 3, 15, 16, 31, 32, 33, 63, 64, 65, 113};
  int64_t count = 0;
  for (int64_t m : rows) {
    for (int64_t n : columns) {
      for (int64_t k : depths) {
        if (++count % 2 != 0 && m != 14) continue;
        test_gemm({m, n, k, count % 3 * 5, count % 11 == 0 ? count % (m + 2) : -1, count % 5 == 0, count % 7 == 0});
      }
    }
  }
  test_gemm({50, 768, 767, 0, -1, true, false});
  test_gemm({300, 224, 512, 3, 211, false, true});
  whole = true;
  for (int64_t k : {768, 1023, 1024, 1025, 2049}) test_gemm({43, 75, k, 1, -1, true, false});
  test_gemm({130, 64, 3000, 0, -1, false, true});
  whole = hard = false;
}

// Where bf16 is not multiplied, every product says so and touches nothing.
void test_unsupported() {
  Buffer a(64, true), y(64), workspace(4096);
  auto expect_unsupported = [&](const char* op, int32_t status) {
    if (status != JC_UNSUPPORTED || strstr(context.message, "bf16") == nullptr) fail(std::string(op) + " takes bf16");
    for (int64_t i = 0; i < 64; ++i) {
      if (!Buffer::untouched(y.at(i))) return fail(std::string(op) + " writes before it refuses");
    }
  };
  jc_gemm_pack_args pack{a.data(), y.data(), 8, 8, 8, 1, JC_BF16};
  expect_unsupported("gemm_pack", jc_gemm_pack(&context, &pack));
  jc_gemm_args g{};
  g.a = a.data(), g.packed = a.data(), g.y = y.data(), g.rows = g.n = g.k = g.lda = g.ldy = 8;
  g.workspace = workspace.data(), g.workspace_bytes = workspace.bytes(), g.precision = JC_BF16;
  expect_unsupported("gemm", jc_gemm(&context, &g));
  jc_gemm_weight_gradient_args w{};
  w.dy = w.x = a.data(), w.dw = y.data(), w.rows = w.n = w.k = w.ldy = w.ldx = w.ldw = 8;
  w.workspace = workspace.data(), w.workspace_bytes = workspace.bytes(), w.precision = JC_BF16;
  expect_unsupported("gemm_weight_gradient", jc_gemm_weight_gradient(&context, &w));
}

void test_bf16() {
  if (jc_bf16(&context) != 1) return test_unsupported();
  test_bf16_gemms();
  test_bf16_weight_gradients();
}

// ---- conv2d ----------------------------------------------------------------------------------------------------------------

struct Conv {
  int64_t batch, height, width, channels, out, kernel, stride, padding;
  bool nchw;
  int64_t gap;  // values between rows of x, and rows of out channels between the pictures of dy
  bool residual;
};

struct ConvData {
  Conv c;
  int64_t out_height, out_width, x_row, x_column, x_channel, x_batch, dy_batch;
  Buffer x, w, dy, dense_dy, residual;
  explicit ConvData(const Conv& c)
      : c(c),
        out_height((c.height + 2 * c.padding - c.kernel) / c.stride + 1),
        out_width((c.width + 2 * c.padding - c.kernel) / c.stride + 1),
        x_row((c.nchw ? c.width : c.width * c.channels) + c.gap),
        x_column(c.nchw ? 1 : c.channels),
        x_channel(c.nchw ? c.height * x_row : 1),
        x_batch(c.height * x_row * (c.nchw ? c.channels : 1)),
        dy_batch((out_height * out_width + c.gap) * c.out),
        x(c.batch * x_batch),
        w(c.out * c.channels * c.kernel * c.kernel, true),
        dy(c.batch * dy_batch),
        dense_dy(c.batch * out_height * out_width * c.out),
        residual(c.batch * c.height * c.width * c.channels, true) {
    x.fill_rows(c.batch * c.height * (c.nchw ? c.channels : 1), x_row - c.gap, x_row);
    int64_t picture = out_height * out_width * c.out;
    dy.fill_rows(c.batch, picture, dy_batch);
    for (int64_t i = 0; i < c.batch * picture; ++i) dense_dy.at(i) = dy.at(i / picture * dy_batch + i % picture);
  }
  // f(dy, x, dx, dw) with the place of each, for every product of the forward call.
  template <class F>
  void for_products(F f) const {
    for (int64_t b = 0; b < c.batch; ++b) {
      for (int64_t row = 0; row < out_height; ++row) {
        for (int64_t column = 0; column < out_width; ++column) {
          for (int64_t i = 0; i < c.kernel; ++i) {
            int64_t v = row * c.stride - c.padding + i;
            if (v < 0 || v >= c.height) continue;
            for (int64_t j = 0; j < c.kernel; ++j) {
              int64_t u = column * c.stride - c.padding + j;
              if (u < 0 || u >= c.width) continue;
              for (int64_t o = 0; o < c.out; ++o) {
                for (int64_t ch = 0; ch < c.channels; ++ch) {
                  f(((b * out_height + row) * out_width + column) * c.out + o,
                    b * x_batch + v * x_row + u * x_column + ch * x_channel,
                    ((b * c.height + v) * c.width + u) * c.channels + ch,
                    ((o * c.channels + ch) * c.kernel + i) * c.kernel + j);
                }
              }
            }
          }
        }
      }
    }
  }
  std::string name(const char* op) const {
    return op + text(" %ldx%ldx%ld kernel %ld", c.height, c.width, c.channels, c.kernel) +
           text(" stride %ld padding %ld -> %ld", c.stride, c.padding, c.out);
  }
};

// sum of dy conv(x), by the library's own forward operator: the scalar whose gradients are tested.
double forward_scalar(ConvData& d) {
  const Conv& c = d.c;
  Buffer packed(jc_conv2d_packed_bytes(&context, c.out, c.channels, c.kernel) / 4);
  jc_conv2d_pack_args pack{d.w.data(), packed.data(), c.out, c.channels, c.kernel, 0};
  expect_ok(jc_conv2d_pack(&context, &pack), "conv2d_pack");
  Buffer y(d.dense_dy.bytes() / 4);
  jc_conv2d_args args{};
  args.x = d.x.data(), args.packed = packed.data(), args.y = y.data();
  args.batch = c.batch, args.height = c.height, args.width = c.width, args.channels = c.channels;
  args.x_batch = d.x_batch, args.x_row = d.x_row, args.x_column = d.x_column, args.x_channel = d.x_channel;
  args.out_channels = c.out, args.kernel = c.kernel, args.stride = c.stride, args.padding = c.padding;
  Buffer workspace(jc_conv2d_workspace(&context, &args) / 4);
  args.workspace = workspace.data(), args.workspace_bytes = workspace.bytes();
  expect_ok(jc_conv2d(&context, &args), "conv2d");
  double sum = 0;
  for (int64_t i = 0; i < y.bytes() / 4; ++i) sum += static_cast<double>(y.at(i)) * d.dense_dy.at(i);
  return sum;
}

// Every gradient of a bilinear map, times its argument, is the map's own value.
void expect_scalar(const std::string& name, ConvData& d, const float* gradient, Buffer& argument,
                   const std::vector<int64_t>& places, double magnitude) {
  double sum = 0;
  for (size_t i = 0; i < places.size(); ++i) sum += static_cast<double>(gradient[i]) * argument.at(places[i]);
  // Whole numbers are not rounded at all: with them the test is exact.
  const Conv& c = d.c;
  double terms = static_cast<double>(c.kernel * c.kernel * (c.channels + c.out) + c.batch * d.out_height * d.out_width);
  double bound = whole ? 0 : 1.001 * terms * kUnit * magnitude;
  if (!(fabs(sum - forward_scalar(d)) <= bound)) fail(name + " is not the forward's gradient");
}

enum Residual { kNone, kSeparate, kInPlace };

std::vector<float> run_data_gradient(ConvData& d, const Buffer& packed, int64_t first, int64_t batch,
                                     Residual residual) {
  const Conv& c = d.c;
  int64_t size = c.height * c.width * c.channels;
  Buffer dx(batch * size);
  jc_conv2d_data_gradient_args args{};
  args.dy = d.dense_dy.data() + first * d.out_height * d.out_width * c.out;
  args.packed = const_cast<Buffer&>(packed).data();
  args.dx = dx.data();
  if (residual == kSeparate) args.residual = d.residual.data() + first * size;
  if (residual == kInPlace) {
    memcpy(dx.data(), d.residual.data() + first * size, static_cast<size_t>(dx.bytes()));
    args.residual = dx.data();
  }
  args.batch = batch, args.height = c.height, args.width = c.width, args.channels = c.channels;
  args.out_channels = c.out, args.kernel = c.kernel, args.stride = c.stride, args.padding = c.padding;
  Buffer workspace(jc_conv2d_data_gradient_workspace(&context, &args) / 4);
  args.workspace = workspace.data(), args.workspace_bytes = workspace.bytes();
  expect_ok(jc_conv2d_data_gradient(&context, &args), "conv2d_data_gradient");
  return std::vector<float>(dx.data(), dx.data() + batch * size);
}

void test_data_gradient(const Conv& c) {
  ConvData d(c);
  std::string name = d.name("conv2d_data_gradient");
  Buffer packed(jc_conv2d_packed_bytes(&context, c.channels, c.out, c.kernel) / 4);
  jc_conv2d_pack_args pack{d.w.data(), packed.data(), c.out, c.channels, c.kernel, 1};
  expect_ok(jc_conv2d_pack(&context, &pack), "conv2d_pack");
  Residual residual = c.residual ? kSeparate : kNone;
  std::vector<float> dx = same_for_threads(name, [&] { return run_data_gradient(d, packed, 0, c.batch, residual); });
  int64_t count = static_cast<int64_t>(dx.size()), size = count / c.batch;
  std::vector<Truth> truth(dx.size());
  std::vector<int64_t> places(dx.size());
  double magnitude = 0;
  for (int64_t i = 0; c.residual && i < count; ++i) truth[i].add(d.residual.at(i));
  d.for_products([&](int64_t dy, int64_t x, int64_t at, int64_t w) {
    truth[at].add(d.dense_dy.at(dy), d.w.at(w));
    magnitude += fabs(static_cast<double>(d.dense_dy.at(dy)) * d.w.at(w) * d.x.at(x));
  });
  for (int64_t i = 0; i < count; ++i) {
    if (!close_to(dx[i], truth[i])) return fail(name + text(" is wrong at %ld", i, 0, 0));
  }
  if (residual == kNone) {
    for (int64_t i = 0; i < count; ++i) {
      int64_t channel = i % c.channels, u = i / c.channels % c.width, v = i / c.channels / c.width % c.height;
      places[i] = i / size * d.x_batch + v * d.x_row + u * d.x_column + channel * d.x_channel;
    }
    expect_scalar(name, d, dx.data(), d.x, places, magnitude);
  } else if (!same(run_data_gradient(d, packed, 0, c.batch, kInPlace).data(), dx.data(), count)) {
    fail(name + " differs in place");
  }
  for (int64_t b = 0; b < c.batch; ++b) {
    if (!same(run_data_gradient(d, packed, b, 1, residual).data(), dx.data() + b * size, size)) {
      fail(name + " differs for a picture on its own");
    }
  }
}

std::vector<float> run_conv_weight_gradient(ConvData& d, Buffer& start, int64_t batch) {
  const Conv& c = d.c;
  Buffer dw(start.bytes() / 4);
  memcpy(dw.data(), start.data(), static_cast<size_t>(start.bytes()));
  jc_conv2d_weight_gradient_args args{};
  args.dy = d.dy.data(), args.x = d.x.data(), args.dw = dw.data();
  args.batch = batch, args.height = c.height, args.width = c.width, args.channels = c.channels;
  args.x_batch = d.x_batch, args.x_row = d.x_row, args.x_column = d.x_column, args.x_channel = d.x_channel;
  args.dy_batch = d.dy_batch;
  args.out_channels = c.out, args.kernel = c.kernel, args.stride = c.stride, args.padding = c.padding;
  Buffer workspace(jc_conv2d_weight_gradient_workspace(&context, &args) / 4);
  args.workspace = workspace.data(), args.workspace_bytes = workspace.bytes();
  expect_ok(jc_conv2d_weight_gradient(&context, &args), "conv2d_weight_gradient");
  return std::vector<float>(dw.data(), dw.data() + dw.bytes() / 4);
}

void test_conv_weight_gradient(const Conv& c) {
  ConvData d(c);
  std::string name = d.name("conv2d_weight_gradient");
  int64_t count = c.out * c.channels * c.kernel * c.kernel;
  Buffer start(count, true), zeros(count);
  for (int64_t i = 0; i < count; ++i) zeros.at(i) = 0;
  std::vector<float> dw = same_for_threads(name, [&] { return run_conv_weight_gradient(d, start, c.batch); });
  std::vector<Truth> truth(dw.size()), dropped;
  std::vector<int64_t> places(dw.size());
  double magnitude = 0;
  for (int64_t i = 0; i < count; ++i) truth[i].add(start.at(i)), places[i] = i;
  dropped = truth;
  int64_t last = d.dense_dy.bytes() / 4 - c.out;  // the last pixel's dy
  d.for_products([&](int64_t dy, int64_t x, int64_t, int64_t w) {
    truth[w].add(d.dense_dy.at(dy), d.x.at(x));
    if (dy < last) dropped[w].add(d.dense_dy.at(dy), d.x.at(x));
    magnitude += fabs(static_cast<double>(d.dense_dy.at(dy)) * d.w.at(w) * d.x.at(x));
  });
  bool noticed = false;
  for (int64_t i = 0; i < count; ++i) {
    if (!close_to(dw[i], truth[i])) return fail(name + text(" is wrong at %ld", i, 0, 0));
    double before = worst;
    if (!close_to(dw[i], dropped[i])) noticed = true;
    worst = before;
  }
  if (!noticed) fail(name + ": a dropped pixel would pass");
  expect_scalar(name, d, run_conv_weight_gradient(d, zeros, c.batch).data(), d.w, places, magnitude);
  if (!same(run_conv_weight_gradient(d, start, 0).data(), start.data(), count)) fail(name + " adds without pictures");
}

const Conv kConvs[] = {
    {2, 9, 11, 3, 8, 3, 2, 1, true, 0, false},    {3, 31, 30, 3, 40, 3, 2, 1, true, 1, false},
    {2, 7, 7, 16, 33, 3, 1, 1, false, 0, true},   {2, 7, 5, 40, 31, 3, 1, 1, false, 3, true},
    {1, 14, 14, 48, 32, 3, 2, 1, false, 0, true}, {2, 6, 7, 64, 65, 1, 1, 0, false, 2, false},
    {2, 9, 7, 17, 5, 1, 2, 0, false, 0, true},    {1, 5, 5, 7, 9, 5, 1, 2, false, 1, false},
    {1, 1, 1, 4, 16, 1, 1, 0, false, 0, false},   {1, 1, 1, 5, 3, 3, 1, 1, true, 0, true},
    {2, 24, 24, 64, 64, 3, 1, 1, false, 0, true}, {2, 11, 8, 6, 7, 4, 3, 2, false, 2, true},
    {2, 11, 8, 6, 7, 4, 3, 0, true, 5, true},     {3, 6, 10, 1, 15, 3, 1, 2, false, 0, false},
    {2, 2, 2, 4, 6, 3, 1, 2, true, 0, true},      {2, 15, 10, 3, 9, 5, 5, 0, true, 1, false},
    {3, 32, 32, 3, 40, 16, 16, 0, true, 1, true}, {2, 28, 43, 3, 33, 14, 14, 0, true, 1, false},
};

void test_data_gradients() {
  for (const Conv& c : kConvs) test_data_gradient(c);
  whole = true;
  for (const Conv& c : kConvs) test_data_gradient(c);
  test_data_gradient({2, 14, 13, 64, 96, 3, 1, 1, false, 0, true});
  test_data_gradient({2, 15, 17, 48, 40, 3, 2, 1, false, 0, false});
  whole = false;
}

void test_conv_weight_gradients() {
  for (const Conv& c : kConvs) test_conv_weight_gradient(c);
  whole = true;
  for (const Conv& c : kConvs) test_conv_weight_gradient(c);
  test_conv_weight_gradient({3, 14, 13, 64, 96, 3, 1, 1, false, 1, false});
  test_conv_weight_gradient({2, 33, 35, 3, 40, 3, 2, 1, true, 0, false});
  test_conv_weight_gradient({11, 56, 56, 3, 40, 8, 8, 0, true, 1, false});
  whole = false;
}

// ---- refusals --------------------------------------------------------------------------------------------------------------

template <class Args, class Change>
void refuse(const char* what, int32_t (*op)(jc_context*, const Args*), Args args, Change change) {
  change(args);
  context.message[0] = 0;
  if (op(&context, &args) != JC_INVALID || context.message[0] == 0) fail(std::string("does not refuse ") + what);
}

void test_refusals() {
  Buffer dy(64, true), x(64, true), dw(64, true), workspace(4096);
  jc_gemm_weight_gradient_args g{};
  g.dy = dy.data(), g.x = x.data(), g.dw = dw.data(), g.rows = g.n = g.k = g.ldy = g.ldx = g.ldw = 8;
  g.workspace = workspace.data(), g.workspace_bytes = workspace.bytes();
  expect_ok(jc_gemm_weight_gradient(&context, &g), "gemm_weight_gradient");
  refuse("rows < 0", jc_gemm_weight_gradient, g, [](auto& p) { p.rows = -1; });
  refuse("n = 0", jc_gemm_weight_gradient, g, [](auto& p) { p.n = 0; });
  refuse("k = 2^40", jc_gemm_weight_gradient, g, [](auto& p) { p.k = p.ldx = p.ldw = int64_t{1} << 40; });
  refuse("null dy", jc_gemm_weight_gradient, g, [](auto& p) { p.dy = nullptr; });
  refuse("null x", jc_gemm_weight_gradient, g, [](auto& p) { p.x = nullptr; });
  refuse("null dw", jc_gemm_weight_gradient, g, [](auto& p) { p.dw = nullptr; });
  refuse("ldy < n", jc_gemm_weight_gradient, g, [](auto& p) { p.ldy = 7; });
  refuse("ldx < k", jc_gemm_weight_gradient, g, [](auto& p) { p.ldx = 7; });
  refuse("ldw < k", jc_gemm_weight_gradient, g, [](auto& p) { p.ldw = 7; });
  refuse("precision 2", jc_gemm_weight_gradient, g, [](auto& p) { p.precision = 2; });
  jc_gemm_args product{};
  product.a = x.data(), product.packed = workspace.data(), product.y = dw.data();
  product.rows = product.n = product.k = product.lda = product.ldy = 8;
  product.workspace = workspace.data(), product.workspace_bytes = workspace.bytes();
  refuse("precision 2", jc_gemm, product, [](auto& p) { p.precision = 2; });
  jc_gemm_pack_args gemm_pack{x.data(), workspace.data(), 8, 8, 8, 1, JC_F32};
  refuse("precision -1", jc_gemm_pack, gemm_pack, [](auto& p) { p.precision = -1; });
  jc_conv2d_pack_args pack{x.data(), workspace.data(), 4, 4, 1, 1};
  expect_ok(jc_conv2d_pack(&context, &pack), "conv2d_pack");
  refuse("gradient = 2", jc_conv2d_pack, pack, [](auto& p) { p.gradient = 2; });
  jc_conv2d_data_gradient_args c{};
  Buffer conv_workspace(8192), packed(1024, true);
  c.dy = dy.data(), c.packed = packed.data(), c.dx = x.data(), c.batch = 1, c.height = c.width = c.channels = 4;
  c.out_channels = 4, c.kernel = c.stride = 1;
  c.workspace = conv_workspace.data(), c.workspace_bytes = conv_workspace.bytes();
  expect_ok(jc_conv2d_data_gradient(&context, &c), "conv2d_data_gradient");
  refuse("stride 0", jc_conv2d_data_gradient, c, [](auto& p) { p.stride = 0; });
  refuse("kernel 9 on 4", jc_conv2d_data_gradient, c, [](auto& p) { p.kernel = 9; });
  refuse("padding = kernel", jc_conv2d_data_gradient, c, [](auto& p) { p.padding = 1; });
  refuse("too many pixels", jc_conv2d_data_gradient, c, [](auto& p) { p.batch = INT32_MAX, p.kernel = p.stride = 4; });
  refuse("null dy", jc_conv2d_data_gradient, c, [](auto& p) { p.dy = nullptr; });
  refuse("null dx", jc_conv2d_data_gradient, c, [](auto& p) { p.dx = nullptr; });
  refuse("unaligned packed", jc_conv2d_data_gradient, c,
         [](auto& p) { p.packed = static_cast<const float*>(p.packed) + 1; });
  jc_conv2d_weight_gradient_args w{};
  w.dy = dy.data(), w.x = x.data(), w.dw = dw.data(), w.batch = 1, w.height = w.width = w.channels = 4;
  w.x_batch = 64, w.x_row = 16, w.x_column = 4, w.x_channel = 1, w.dy_batch = 64;
  w.out_channels = 4, w.kernel = w.stride = 1;
  w.workspace = conv_workspace.data(), w.workspace_bytes = conv_workspace.bytes();
  expect_ok(jc_conv2d_weight_gradient(&context, &w), "conv2d_weight_gradient");
  refuse("stride 0", jc_conv2d_weight_gradient, w, [](auto& p) { p.stride = 0; });
  refuse("overlapping pictures of dy", jc_conv2d_weight_gradient, w, [](auto& p) { p.dy_batch = 63; });
  refuse("null dw", jc_conv2d_weight_gradient, w, [](auto& p) { p.dw = nullptr; });
  refuse("null x", jc_conv2d_weight_gradient, w, [](auto& p) { p.x = nullptr; });
  int64_t negative = -1;
  refuse("live < 0", jc_gemm_weight_gradient, g, [&](auto& p) { p.live = &negative; });
  refuse("unaligned workspace", jc_gemm_weight_gradient, g,
         [](auto& p) { p.workspace = static_cast<float*>(p.workspace) + 1; });
  if (context.isa == JC_REF) return;
  int64_t wanted = jc_gemm_weight_gradient_workspace(&context, &g);
  refuse("a workspace one byte too small", jc_gemm_weight_gradient, g,
         [&](auto& p) { p.workspace_bytes = wanted - 1; });
  refuse("no workspace", jc_conv2d_data_gradient, c, [](auto& p) { p.workspace_bytes = 0; });
  wanted = jc_conv2d_weight_gradient_workspace(&context, &w);
  refuse("a workspace one byte too small", jc_conv2d_weight_gradient, w,
         [&](auto& p) { p.workspace_bytes = wanted - 1; });
  refuse("null workspace", jc_gemm_weight_gradient, g, [](auto& p) { p.workspace = nullptr; });
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
    for (Part part : {Part{"gemm_weight_gradient", test_fp32_weight_gradients}, Part{"bf16", test_bf16},
                      Part{"conv2d_data_gradient", test_data_gradients},
                      Part{"conv2d_weight_gradient", test_conv_weight_gradients}, Part{"refusals", test_refusals}}) {
      worst = 0;
      int before = failures;
      part.run();
      if (part.run == test_bf16 && jc_bf16(&context) == 0) {
        printf("%-7s no bf16 here: %s\n", kNames[isa], failures == before ? "refused" : "FAILED");
        continue;
      }
      printf("%-7s %-24s %s, largest error %.3f of its bound\n", kNames[isa], part.name,
             failures == before ? "ok" : "FAILED", worst);
    }
  }
  return failures == 0 ? 0 : 1;
}
