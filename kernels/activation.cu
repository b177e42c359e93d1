// y = f(x + bias), element by element; f: identity, ReLU, QuickGELU x sigma(1.702 x), GELU x Phi(x).
//
// bf16: a thread owns 8 columns and walks down the rows, so that its bias stays in registers and no index is divided;
// four rows are loaded before the first is used. fp32: no bias, a flat walk.
//
// Data movement: 4 bytes an element in bf16, 8 in fp32; floor bytes over copy bandwidth, target 90 %. Arithmetic at 3
// elements a clock and SM: QuickGELU 2 special-function operations an element (6 of 16 a clock), GELU 2 and 10 FMAs.
//
// fp32 uses the accurate exp, division and erf. bf16 uses 2^x and 1/x to 2 ulp, and for Phi the five-term form of
// Abramowitz and Stegun 7.1.26, whose absolute error is 1.5e-7: below half a bf16 step wherever |y| > 1e-4.
#include "jc_dev.cuh"

namespace jc {
namespace {

template <int F>
JC_DEV float accurate(float x) {
  if (F == JC_RELU) return x > 0.f ? x : (x == x ? 0.f : x);
  if (F == JC_QUICK_GELU) return x / (1.f + exp_(-1.702f * x));
  if (F == JC_GELU) return x * 0.5f * (1.f + erf_(x * 0.70710678118654752f));
  return x;
}

template <int F>
JC_DEV float fast(float x) {
  if (F == JC_QUICK_GELU) return x * reciprocal(1.f + ex2(-1.702f * kLog2e * x));
  if (F == JC_GELU) {
    const float z = max_(x, -x) * 0.70710678118654752f, t = reciprocal(fma_(0.3275911f, z, 1.f));
    float e = fma_(1.061405429f, t, -1.453152027f);
    e = fma_(e, t, 1.421413741f);
    e = fma_(e, t, -0.284496736f);
    e = fma_(e, t, 0.254829592f);
    e = 0.5f * e * t * ex2(-kLog2e * z * z);  // Phi(-|x|)
    return x * (x < 0.f ? e : 1.f - e);
  }
  return accurate<F>(x);
}

constexpr int kThreads = 128;

struct Arguments {
  const bf16* x;
  const float* bias;
  bf16* y;
  const int64_t* live;
  int64_t rows;
  int width;
};

template <int F>
JC_KERNEL(kThreads, 8)
bias_activation(const Arguments p) {
  const int column = int(block_x() * kThreads + unsigned(thread_id())) * 8;
  if (column >= p.width) return;
  float bias[8] = {};
  if (p.bias) {
    float b[4];
    JC_UNROLL
    for (int h = 0; h < 2; ++h) {
      unpack(b, ldg128(p.bias + column + 4 * h));
      JC_UNROLL
      for (int e = 0; e < 4; ++e) bias[4 * h + e] = b[e];
    }
  }
  const int64_t live = p.live ? *p.live : p.rows;
  const int64_t first = int64_t(block_y()) * 4, step = int64_t(grid_y()) * 4;
  for (int64_t row = first; row < p.rows; row += step) {
    uint4 x[4];
    JC_UNROLL
    for (int i = 0; i < 4; ++i)
      if (row + i < live) x[i] = ldg128_once(p.x + (row + i) * p.width + column);
    JC_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (row + i >= p.rows) continue;
      uint4 y{0, 0, 0, 0};
      if (row + i < live) {
        float f[8];
        unpack(f, x[i]);
        JC_UNROLL
        for (int e = 0; e < 8; ++e) f[e] = fast<F>(f[e] + bias[e]);
        y = packed(f);
      }
      stg128(p.y + (row + i) * p.width + column, y);
    }
  }
}

template <int F>
JC_KERNEL(256, 4)
activation_plain(const float* x, float* y, int64_t count) {
  const int64_t step = int64_t(grid_x()) * 256;
  for (int64_t i = int64_t(block_x()) * 256 + thread_id(); i < count; i += step) y[i] = accurate<F>(x[i]);
}

}  // namespace
}  // namespace jc

extern "C" int32_t jc_bias_activation_bf16(jc_context* context, const jc_bias_activation_bf16_args* a) {
  using namespace jc;
  if (a->rows < 0 || a->width < 8 || a->width % 8 || a->width > 0x7fffffff - 8)
    return fail(context, JC_INVALID,
                "jc_bias_activation_bf16: rows %lld, width %lld; the width must be a multiple of 8", (long long)a->rows,
                (long long)a->width);
  if (!aligned(a->x) || !aligned(a->bias) || !aligned(a->y))
    return fail(context, JC_INVALID, "jc_bias_activation_bf16: pointers must be multiples of 16 bytes");
  if (a->rows == 0) return JC_OK;
  const Arguments p{a->x, a->bias, a->y, a->live, a->rows, int(a->width)};
  const int64_t columns = (a->width / 8 + kThreads - 1) / kThreads, wanted = 2112 / columns + 1,
                most = (a->rows + 3) / 4;
  const dim3 grid(unsigned(columns), unsigned(wanted < most ? wanted : most));
  const Stream stream = stream_of(context);
  int32_t status = JC_INVALID;
  switch (a->activation) {
    case JC_IDENTITY:
      status = launch(bias_activation<JC_IDENTITY>, grid, kThreads, 0, stream, p);
      break;
    case JC_RELU:
      status = launch(bias_activation<JC_RELU>, grid, kThreads, 0, stream, p);
      break;
    case JC_QUICK_GELU:
      status = launch(bias_activation<JC_QUICK_GELU>, grid, kThreads, 0, stream, p);
      break;
    case JC_GELU:
      status = launch(bias_activation<JC_GELU>, grid, kThreads, 0, stream, p);
      break;
    default:
      return fail(context, JC_INVALID, "jc_bias_activation_bf16: activation %lld", (long long)a->activation);
  }
  return launched(context, status, "jc_bias_activation_bf16");
}

extern "C" int32_t jc_activation(jc_context* context, const jc_activation_args* a) {
  using namespace jc;
  if (a->count < 0) return fail(context, JC_INVALID, "jc_activation: count %lld", (long long)a->count);
  if (a->count == 0) return JC_OK;
  const int64_t blocks = (a->count + 255) / 256;
  const dim3 grid(unsigned(blocks < 2112 ? blocks : 2112));
  const Stream stream = stream_of(context);
  int32_t status = JC_INVALID;
  switch (a->activation) {
    case JC_IDENTITY:
      status = launch(activation_plain<JC_IDENTITY>, grid, 256, 0, stream, a->x, a->y, a->count);
      break;
    case JC_RELU:
      status = launch(activation_plain<JC_RELU>, grid, 256, 0, stream, a->x, a->y, a->count);
      break;
    case JC_QUICK_GELU:
      status = launch(activation_plain<JC_QUICK_GELU>, grid, 256, 0, stream, a->x, a->y, a->count);
      break;
    case JC_GELU:
      status = launch(activation_plain<JC_GELU>, grid, 256, 0, stream, a->x, a->y, a->count);
      break;
    default:
      return fail(context, JC_INVALID, "jc_activation: activation %lld", (long long)a->activation);
  }
  return launched(context, status, "jc_activation");
}
