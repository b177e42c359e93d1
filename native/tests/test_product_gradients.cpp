// Contract test of the products' gradients: gemm_weight_gradient, conv2d_data_gradient, conv2d_weight_gradient; every instruction set
// present, against double precision.
// The bound: m terms (products, and what was there before) summed in any one order lose at most m u sum |term| (u = 2^-24). The largest
// error found is printed as a share of it.
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
  double bound() const { return (whole ? 0 : 1.001 * static_cast<double>(terms) * kUnit * magnitude) + 1e-44; }
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
  std::string name =
      text("gemm_weight_gradient %ld rows (%ld live), %ld x ", g.rows, g.live, g.n) + std::to_string(g.k);
  std::vector<float> y =
      same_for_threads(name, [&] { return run_weight_gradient(d, g.rows, g.live >= 0 ? &g.live : nullptr); });
  bool noticed = false;
  for (int64_t j = 0; j < g.n; ++j) {
    for (int64_t i = 0; i <= g.k; ++i) {  // the last one: the bias
      bool bias = i == g.k;
      Truth t, dropped;
      t.add(bias ? d.d_bias.at(j) : d.dw.at(j * g.k + i));
      dropped = t;
      for (int64_t r = 0; r < d.live && !(bias && !g.bias); ++r) {
        float x = bias ? 1 : d.x.at(r * d.ldx + i);
        t.add(d.dy.at(r * d.ldy + j), x);
        if (r + 1 < d.live) dropped.add(d.dy.at(r * d.ldy + j), x);
      }
      float value = y[static_cast<size_t>(bias ? g.n * g.k + j : j * g.k + i)];
      if (!close_to(value, t)) return fail(name + text(" is wrong at row %ld column %ld", j, i, 0));
      double before = worst;
      if (!close_to(value, dropped)) noticed = true;
      worst = before;
    }
  }
  if (d.live > 0 && g.n * g.k >= 16 && !noticed) fail(name + ": a dropped row would pass");
  if (!same(run_weight_gradient(d, d.live, nullptr).data(), y.data(), static_cast<int64_t>(y.size()))) {
    fail(name + " differs without its dead rows");
  }
}

void test_weight_gradients() {
  // Sizes around the tiles, 6 and 14 columns of dy, 16 and 32 of x; rows around chunks of 16 and tasks of 32.
  const int64_t rows[] = {1, 2, 15, 16, 17, 31, 32, 33, 65};
  const int64_t outs[] = {1, 5, 6, 7, 13, 14, 15, 29, 64, 65};
  const int64_t ins[] = {1, 15, 16, 17, 31, 32, 33, 65};
  int64_t count = 0;
  for (int64_t m : rows) {
    for (int64_t n : outs) {
      for (int64_t k : ins) {
        if (++count % 2 != 0 && m != 1) continue;
        test_weight_gradient({m, n, k, count % 3 * 5, count % 7 == 0 ? count % (m + 2) : -1, count % 5 != 0});
      }
    }
  }
  // Slices of at most 480 rows; several threads, blocks and groups.
  for (int64_t m : {479, 480, 481, 960, 1000}) test_weight_gradient({m, 40, 70, 3, -1, true});
  whole = true;
  for (int64_t m : {479, 480, 481, 961, 3001}) test_weight_gradient({m, 75, 43, 1, -1, true});
  test_weight_gradient({1500, 65, 129, 0, 1201, true});
  test_weight_gradient({500, 224, 260, 3, -1, true});
  test_weight_gradient({60, 768, 250, 0, 44, false});
  whole = false;
  test_weight_gradient({0, 16, 16, 0, -1, true});
  test_weight_gradient({20, 16, 16, 0, 0, true});
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
  int64_t negative = -1;
  refuse("live < 0", jc_gemm_weight_gradient, g, [&](auto& p) { p.live = &negative; });
  refuse("unaligned workspace", jc_gemm_weight_gradient, g,
         [](auto& p) { p.workspace = static_cast<float*>(p.workspace) + 1; });
  if (context.isa == JC_REF) return;
  int64_t wanted = jc_gemm_weight_gradient_workspace(&context, &g);
  refuse("a workspace one byte too small", jc_gemm_weight_gradient, g,
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
    for (Part part : {Part{"gemm_weight_gradient", test_weight_gradients}, Part{"refusals", test_refusals}}) {
      worst = 0;
      int before = failures;
      part.run();
      printf("%-7s %-24s %s, largest error %.3f of its bound\n", kNames[isa], part.name,
             failures == before ? "ok" : "FAILED", worst);
    }
  }
  return failures == 0 ? 0 : 1;
}
