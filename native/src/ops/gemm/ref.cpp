// Matrix product, the plain version, and what all versions share: argument checks, sizes, packing.
#include <cmath>
#include <cstring>

#include "ops/gemm/gemm.h"

namespace jc {

bool is_activation(int64_t activation) { return activation >= JC_IDENTITY && activation <= JC_GELU; }

float ref::activate(float x, int64_t activation) {
  if (activation == JC_RELU) return x < 0 ? 0 : x;
  if (activation == JC_QUICK_GELU) return x / (1 + std::exp(-1.702f * x));
  if (activation == JC_GELU) return 0.5f * x * std::erfc(x * -0.70710678f);  // 1 + erf would cancel for x < 0
  return x;
}

namespace {

TileSize tile_size(const jc_context* context) { return context->isa == JC_AVX512 ? kAvx512Tile : kAvx2Tile; }

// Sizes whose product could overflow an address are refused before they are multiplied.
bool is_size(int64_t n) { return n > 0 && n <= INT32_MAX; }

}  // namespace

int64_t packed_bytes(const jc_context* context, int64_t n, int64_t k) {
  if (context->isa == JC_REF) return n * k * 4;
  return round_up(n, tile_size(context).columns) * k * 4;
}

int64_t product_workspace(const jc_context* context, int64_t rows, int64_t k, int64_t threads) {
  if (context->isa == JC_REF) return 0;
  int64_t rows_of_tile = tile_size(context).rows;
  int64_t block = block_tiles(rows_of_tile, k) * rows_of_tile;
  if (rows < block) block = rows > 0 ? rows : 1;
  return block * round_up(k, kChunk) * 4 * threads;
}

bool enough_workspace(const jc_context* context, int64_t rows, int64_t k, const void* workspace,
                      int64_t workspace_bytes) {
  int64_t wanted = product_workspace(context, rows, k, 1);
  return wanted == 0 || (workspace != nullptr && workspace_bytes >= wanted);
}

int64_t product_width(const jc_context* context, const Product& p, int64_t workspace_bytes) {
  // Below about 10 microseconds of work, waking another thread costs more than it brings.
  if (p.rows * p.n * p.k < 400000) return 1;
  int64_t width = parallel_width(context);
  int64_t room = workspace_bytes / product_workspace(context, p.rows, p.k, 1);
  return width < room ? width : room;
}

int32_t check_precision(jc_context* context, const char* op, int64_t precision) {
  JC_CHECK(op, precision == JC_F32 || precision == JC_BF16, "unknown precision");
  if (precision == JC_F32 || jc_bf16(context) == 1) return JC_OK;
  invalid(context, op, "this instruction set does not multiply bf16 (jc_bf16 says so); use JC_F32");
  return JC_UNSUPPORTED;
}

int32_t check_gemm_pack(jc_context* context, const jc_gemm_pack_args* a) {
  JC_CHECK("gemm_pack", is_size(a->n) && is_size(a->k), "n or k is not positive, or too large");
  JC_CHECK("gemm_pack", a->w && a->packed, "null pointer");
  JC_CHECK("gemm_pack", aligned(a->packed, 64), "packed is not 64-byte aligned");
  return check_precision(context, "gemm_pack", a->precision);
}

int32_t check_gemm(jc_context* context, const jc_gemm_args* a) {
  JC_CHECK("gemm", a->rows >= 0 && a->rows <= INT32_MAX && is_size(a->n) && is_size(a->k),
           "rows is negative, n or k not positive, or one of them too large");
  JC_CHECK("gemm", a->a && a->packed && a->y, "null pointer");
  JC_CHECK("gemm", aligned(a->packed, 64) && aligned(a->workspace, 64), "packed or workspace is not 64-byte aligned");
  JC_CHECK("gemm", a->lda >= a->k && a->ldy >= a->n && (a->residual == nullptr || a->ld_residual >= a->n),
           "a row stride is smaller than its row");
  JC_CHECK("gemm", is_activation(a->activation), "unknown activation");
  JC_CHECK("gemm", a->live == nullptr || *a->live >= 0, "live is negative");
  int64_t steps = product_steps(a->k, a->precision);
  JC_CHECK("gemm", enough_workspace(context, a->rows, steps, a->workspace, a->workspace_bytes),
           "workspace is smaller than jc_gemm_workspace says for one thread");
  return check_precision(context, "gemm", a->precision);
}

Product gemm_product(const jc_gemm_args* a) {
  Product p{};
  p.source = a;
  p.packed = static_cast<const float*>(a->packed);
  p.bias = a->bias;
  p.residual = a->residual;
  p.y = a->y;
  p.rows = live_rows(a->live, a->rows);
  p.n = a->n;
  p.k = product_steps(a->k, a->precision);
  p.ld_residual = a->ld_residual;
  p.ldy = a->ldy;
  p.activation = a->activation;
  return p;
}

void fill_dead_rows(const jc_gemm_args* a, int64_t live) {
  for (int64_t row = live; row < a->rows; ++row) {
    for (int64_t j = 0; j < a->n; ++j) a->y[row * a->ldy + j] = 0;
  }
}

float bf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  if ((bits & 0x7fffffff) > 0x7f800000) {
    bits |= 0x400000;  // not a number stays none
  } else {
    bits += 0x7fff + (bits >> 16 & 1);
  }
  bits &= 0xffff0000;
  std::memcpy(&x, &bits, 4);
  return x;
}

void pack_weights(const jc_context* context, const Weights& weights, int64_t precision, float* packed) {
  bool plain = context->isa == JC_REF;
  int64_t columns = plain ? 1 : tile_size(context).columns;
  int64_t n = weights.n, k = weights.k, panels = ceil_div(n, columns);
  int64_t together = weights.channels == 0 && weights.stride_n == 1 ? kPackPanels : 1;
  parallel(context, parallel_width(context), ceil_div(panels, together), [&](int64_t group, int64_t) {
    int64_t first = group * together, last = first + together < panels ? first + together : panels;
    for (int64_t i = 0; i < k; ++i) {
      for (int64_t panel = first; panel < last; ++panel) {
        float* out = packed + (panel * k + i) * columns;
        for (int64_t j = 0; j < columns; ++j) {
          int64_t row = panel * columns + j;
          out[j] = row < n ? weights.at(row, i) : 0;
        }
        for (int64_t j = 0; precision == JC_BF16 && j < columns; ++j) out[j] = bf16(out[j]);
      }
    }
  });
}

namespace ref {

int32_t gemm_pack(jc_context* context, const jc_gemm_pack_args* a) {
  int32_t status = check_gemm_pack(context, a);
  if (status != JC_OK) return status;
  if (a->precision == JC_BF16 && context->isa == JC_AVX512) {
    avx512::pack_bf16(context, a);
    return JC_OK;
  }
  pack_weights(context, {a->w, a->n, a->k, a->stride_n, a->stride_k, 0, 0, 0}, a->precision,
               static_cast<float*>(a->packed));
  return JC_OK;
}

int32_t gemm(jc_context* context, const jc_gemm_args* a) {
  int32_t status = check_gemm(context, a);
  if (status != JC_OK) return status;
  bool rounded = a->precision == JC_BF16;
  const float* w = static_cast<const float*>(a->packed);
  int64_t live = live_rows(a->live, a->rows);
  for (int64_t row = 0; row < a->rows; ++row) {
    for (int64_t j = 0; j < a->n; ++j) {
      float sum = 0;
      if (row < live) {
        for (int64_t i = 0; i < a->k; ++i) {
          float x = a->a[row * a->lda + i];
          sum += (rounded ? bf16(x) : x) * w[j * a->k + i];
        }
        if (a->bias != nullptr) sum += a->bias[j];
        if (a->residual != nullptr) sum += a->residual[row * a->ld_residual + j];
        sum = activate(sum, a->activation);
      }
      a->y[row * a->ldy + j] = sum;
    }
  }
  return JC_OK;
}

}  // namespace ref
}  // namespace jc

JC_PUBLIC int64_t jc_bf16(const jc_context* context) {
  if (context->isa != JC_AVX512) return context->isa == JC_REF ? 1 : 0;
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bf16") ? 1 : 0;
}

JC_PUBLIC int64_t jc_gemm_packed_bytes(const jc_context* context, int64_t n, int64_t k) {
  return jc::is_size(n) && jc::is_size(k) ? jc::packed_bytes(context, n, k) : 0;
}

JC_PUBLIC int64_t jc_gemm_workspace(const jc_context* context, const jc_gemm_args* a) {
  if (a->rows < 0 || a->rows > INT32_MAX || !jc::is_size(a->k)) return 0;
  int64_t steps = jc::product_steps(a->k, a->precision);
  return jc::product_workspace(context, a->rows, steps, jc::parallel_width(context));
}

JC_EXPORT(gemm_pack, jc::ref::gemm_pack, jc::ref::gemm_pack, jc::ref::gemm_pack)

namespace jc {
namespace {
// A provider of the user's reads `packed` as the instruction set of the context lays it out.
int32_t ref_or_provided(jc_context* context, const jc_gemm_args* a) {
  return context->gemm != nullptr ? context->gemm(context, a) : ref::gemm(context, a);
}
int32_t avx2_or_provided(jc_context* context, const jc_gemm_args* a) {
  return context->gemm != nullptr ? context->gemm(context, a) : avx2::gemm(context, a);
}
int32_t avx512_or_provided(jc_context* context, const jc_gemm_args* a) {
  return context->gemm != nullptr ? context->gemm(context, a) : avx512::gemm(context, a);
}
}  // namespace
}  // namespace jc

JC_EXPORT(gemm, jc::ref_or_provided, jc::avx2_or_provided, jc::avx512_or_provided)
