// Softmax contrastive loss in O(N D) memory. u_i image, t_j text features (unit rows, bf16), z_ij = s u_i . t_j:
//
//   x_i  = sum_{j != i} exp(z_ij - z_ii)      x'_j = sum_{i != j} exp(z_ij - z_jj)
//   loss = (1/2N) sum_i [log1p(x_i) + log1p(x'_i)]
//
// The diagonal is the shift and never part of a sum: a saturated row keeps all its digits, and nothing overflows while
// a negative beats its positive by less than 88. One exponential serves both sums: w_ij = exp(z_ij - z_ii), and with
// q_i = exp(z_ii - max_k z_kk) the column sum is x'_j = (sum_i w_ij q_i) / q_j. Where the diagonal spreads by more than
// 40, a tile takes two exponentials an element; which form to take is seen from the diagonal's extremes on the device.
//
// Forward: diagonal -> its extremes -> tiles -> ordered sum of partials -> loss. The N x N plane is cut into
// super-blocks whose side depends on N alone; a block owns one, column tile outside, row tile inside. Row sums lie in
// shared memory, column sums in registers. Each partial has one writer and they are added in ascending order: no
// atomics, and bits that depend neither on the grid nor the GPU.
//
// Gradient: the same sweep with another epilogue writes g_ij = P(j|i) + P(i|j) - 2 [i = j] of a block of the plane as
// bf16, from the forward's sums, and sums g_ij z_ij with differences to the diagonal, so that nothing large cancels:
//   off the diagonal  g = exp(z_ij - lse_i) + exp(z_ij - lse'_j),  sum += p_i (z_ij - z_ii) + p'_j (z_ij - z_jj)
//   on it             g = -(x_i / (1 + x_i) + x'_i / (1 + x'_i))
// Two exponentials where one would do (gpu-design 3.4), because this form needs no bound on the spread of lse.
//
// Data movement: the features stream from L2 through a ring of 3 stages of (128 + 128) rows x 64 columns, 32 KB a
// stage. Budget: 8 warps of 32 x 64 each, 64 accumulators + 16 column sums: 128 registers, 2 blocks an SM, 104 + 8
// (side / 1024) KB. FLOPs 2 N^2 D a sweep. Floor: the mma.sync rate; target 39 % of the cuBLASLt rate (the wgmma form
// is to come).
#include "jc_dev.cuh"

namespace jc {
namespace {

constexpr int kTile = 128;
constexpr int kDepth = 64;
constexpr int kStages = 3;
constexpr int kWarps = 8;  // 4 down the rows, 2 across the columns
constexpr uint32_t kOperand = kTile * 128;
constexpr uint32_t kStage = 2 * kOperand;
constexpr uint32_t kRing = kStages * kStage;
constexpr float kSpread = 40.f;  // e^-40 of a sum is below its rounding, e^-80 still a normal number

struct Features {
  const bf16 *u, *t;
  int rows_end, columns_end, width;  // rows and columns from here on do not exist
};

struct Lane {
  int thread = thread_id(), lane = thread & 31, warp = thread >> 5;
  int row = (warp >> 1) * 32 + (lane >> 2);       // of the tile, first accumulator row
  int column = (warp & 1) * 64 + (lane & 3) * 2;  // of the tile, first accumulator column
};

// z / s of all tiles of row_tiles x column_tiles, column tile outside. The ring does not drain between tiles. For each
// tile: tile(row tile, column tile, accumulators, stage); after the last of a column: column_done(column tile). `stage`
// held the last operands; tile may use its 32 KB after a block barrier.
template <class Tile, class ColumnDone>
JC_DEV void sweep(const Features& f, const Lane& me, int row_base, int row_tiles, int column_base, int column_tiles,
                  Tile tile, ColumnDone column_done) {
  const int steps = f.width / kDepth;
  const uint32_t ring = shared_base(), ring_last = ring + (kStages - 1) * kStage;
  int left = column_tiles * row_tiles * steps, load_step = 0, load_row = row_base, load_column = column_base;
  uint32_t load_stage = ring, read_stage = ring;
  auto load = [&] {
    if (left > 0) {
      --left;
      JC_UNROLL
      for (int i = 0; i < 4; ++i) {
        const int row = i * 32 + (me.thread >> 3), chunk = me.thread & 7;
        const uint32_t inside = uint32_t(load_step * kDepth + chunk * 8), to = swizzled(uint32_t(row), uint32_t(chunk));
        const bool is_u = load_row + row < f.rows_end, is_t = load_column + row < f.columns_end;
        // Offsets fit 32 bits (the launcher checks it): that saves registers.
        copy_async16(load_stage + to, f.u + (is_u ? uint32_t(load_row + row) * uint32_t(f.width) + inside : 0u), is_u);
        copy_async16(load_stage + kOperand + to,
                     f.t + (is_t ? uint32_t(load_column + row) * uint32_t(f.width) + inside : 0u), is_t);
      }
      if (++load_step == steps) {
        load_step = 0;
        load_row += kTile;
        if (load_row >= row_base + row_tiles * kTile) load_row = row_base, load_column += kTile;
      }
      load_stage = load_stage == ring_last ? ring : load_stage + kStage;
    }
    copy_commit();  // an empty group, too, so that the count of groups follows the steps
  };
  load();
  load();
  for (int c = 0; c < column_tiles; ++c) {
    for (int r = 0; r < row_tiles; ++r) {
      float z[2][8][4] = {};
      uint32_t stage = ring;
      for (int step = 0; step < steps; ++step) {
        copy_wait<1>();
        sync_block();  // this stage has arrived for all, and all have read the one before it
        load();        // into the stage before it
        stage = read_stage;
        read_stage = read_stage == ring_last ? ring : read_stage + kStage;
        multiply<2, 4>(z, stage, (me.warp >> 1) * 32, stage + kOperand, (me.warp & 1) * 64, me.lane);
      }
      tile(r, c, z, stage);
    }
    column_done(c);
  }
}

// ---- forward ----

// z_ii, a warp a pair, and the extremes of each block's eight: highest and, negated, lowest.
JC_KERNEL(256, 4)
loss_diagonal(const bf16* u, const bf16* t, const float* scale, int n, int width, float* diagonal, float* extremes) {
  const int lane = thread_id() & 31, warp = thread_id() >> 5, i = int(block_x()) * 8 + warp;
  float dot = 0.f;
  if (i < n)
    for (int k = lane * 8; k < width; k += 256) {
      float a[8], b[8];
      unpack(a, ldg128(u + size_t(i) * size_t(width) + k));
      unpack(b, ldg128(t + size_t(i) * size_t(width) + k));
      JC_UNROLL
      for (int e = 0; e < 8; ++e) dot = fma_(a[e], b[e], dot);
    }
  const float z = warp_sum(dot) * scale[0];
  const uint32_t shared = shared_base();
  if (lane == 0) {
    if (i < n) diagonal[i] = z;
    sts(shared + 8u * uint32_t(warp), i < n ? z : -JC_INFINITY);
    sts(shared + 8u * uint32_t(warp) + 4, i < n ? -z : -JC_INFINITY);
  }
  sync_block();
  if (thread_id() > 0) return;
  float top = -JC_INFINITY, bottom = -JC_INFINITY;
  for (uint32_t w = 0; w < 8; ++w)
    top = max_(top, lds_f32(shared + 8 * w)), bottom = max_(bottom, lds_f32(shared + 8 * w + 4));
  extremes[2 * block_x()] = top;
  extremes[2 * block_x() + 1] = bottom;
}

// Block 0 the highest, block 1 the lowest (negated).
JC_KERNEL(1024, 1) loss_extremes(const float* extremes, int count, float* result) {
  float m = -JC_INFINITY;
  for (int i = thread_id(); i < count; i += 1024) m = max_(m, extremes[2 * i + int(block_x())]);
  m = warp_max(m);
  const uint32_t shared = shared_base();
  if ((thread_id() & 31) == 0) sts(shared + 4u * uint32_t(thread_id() >> 5), m);
  sync_block();
  if (thread_id() >= 32) return;
  m = warp_max(lds_f32(shared + 4u * uint32_t(thread_id())));
  if (thread_id() == 0) result[block_x()] = m;
}

JC_DEV bool is_wide(const float* extremes) { return extremes[0] + extremes[1] > kSpread; }

struct Sums {
  Features f;
  const float *scale, *diagonal, *extremes;
  int n, side;
  float *row_part, *column_part;  // [super-blocks, n]
};

JC_KERNEL(kWarps * 32, 2) loss_sums(const Sums p) {
  const Lane me;
  const int row_base = int(block_x()) * p.side, column_base = int(block_y()) * p.side;
  const int rows = p.n - row_base < p.side ? p.n - row_base : p.side,
            columns = p.n - column_base < p.side ? p.n - column_base : p.side;
  const uint32_t s_row = shared_base() + kRing;             // [2][side]: row sums, one for each half of the columns
  const uint32_t s_column = s_row + 8u * uint32_t(p.side);  // [4][128]: column sums, one for each quarter of the rows
  for (int i = me.thread; i < 2 * p.side; i += kWarps * 32) sts(s_row + 4u * uint32_t(i), 0.f);

  const float s2 = p.scale[0] * kLog2e, top = p.extremes[0];
  const bool wide = is_wide(p.extremes);
  float column[16] = {};
  auto tile = [&](int r, int c, float(&z)[2][8][4], uint32_t) {
    const int first_row = row_base + r * kTile, first_column = column_base + c * kTile;
    const bool edge = first_row == first_column || first_row + kTile > p.n || first_column + kTile > p.n;
    JC_UNROLL
    for (int m = 0; m < 2; ++m) JC_UNROLL
    for (int h = 0; h < 2; ++h) {
      const int row = first_row + me.row + m * 16 + h * 8;
      const float zii = row < p.n ? p.diagonal[row] : 0.f, shift = -zii * kLog2e, q = ex2((zii - top) * kLog2e);
      float sum = 0.f;
      JC_UNROLL
      for (int j = 0; j < 8; ++j) JC_UNROLL
      for (int e = 0; e < 2; ++e) {
        const float w = ex2(fma_(z[m][j][h * 2 + e], s2, shift));
        const int col = first_column + me.column + j * 8 + e;
        const bool counts = !edge || (row < p.n && col < p.n && row != col);
        sum += counts ? w : 0.f;
        float v = w * q;
        if (wide) v = counts ? ex2(fma_(z[m][j][h * 2 + e], s2, -p.diagonal[col] * kLog2e)) : 0.f;
        column[2 * j + e] += counts ? v : 0.f;
      }
      sum = quad_sum(sum);
      if ((me.lane & 3) == 0) {  // the only lane that ever touches this cell
        const uint32_t cell = s_row + 4u * uint32_t((me.warp & 1) * p.side + row - row_base);
        sts(cell, lds_f32(cell) + sum);
      }
    }
  };
  auto column_done = [&](int c) {
    JC_UNROLL
    for (int i = 0; i < 16; ++i) {
      float sum = column[i];
      column[i] = 0.f;
      sum += shfl_xor(sum, 4);
      sum += shfl_xor(sum, 8);
      sum += shfl_xor(sum, 16);
      if (me.lane < 4) sts(s_column + 4u * uint32_t((me.warp >> 1) * kTile + me.column + (i >> 1) * 8 + (i & 1)), sum);
    }
    sync_block();
    const int col = column_base + c * kTile + me.thread;
    if (me.thread < kTile && col < p.n) {
      float sum = 0.f;
      JC_UNROLL
      for (uint32_t w = 0; w < 4; ++w) sum += lds_f32(s_column + 4u * (w * kTile + uint32_t(me.thread)));
      p.column_part[size_t(block_x()) * size_t(p.n) + size_t(col)] = sum;
    }
    // The next column's sums are written after at least one more block barrier, in the sweep.
  };
  // The sweep's first barrier stands between the zeros above and the first sum, column_done's last one after the last.
  sweep(p.f, me, row_base, (rows + kTile - 1) / kTile, column_base, (columns + kTile - 1) / kTile, tile, column_done);
  for (int i = me.thread; i < rows; i += kWarps * 32)
    p.row_part[size_t(block_y()) * size_t(p.n) + size_t(row_base + i)] =
        lds_f32(s_row + 4u * uint32_t(i)) + lds_f32(s_row + 4u * uint32_t(p.side + i));
}

constexpr int kFinish = 256;

JC_KERNEL(kFinish, 4)
loss_finish(const Sums p, int parts, float* row_sum, float* column_sum, double* block_loss, double* block_worst) {
  const int i = int(block_x()) * kFinish + thread_id();
  double loss = 0;
  float worst = 0.f;
  if (i < p.n) {
    float x = 0.f, y = 0.f;
    for (int b = 0; b < parts; ++b) {
      x += p.row_part[size_t(b) * size_t(p.n) + size_t(i)];
      y += p.column_part[size_t(b) * size_t(p.n) + size_t(i)];
    }
    const float gap = p.diagonal[i] - p.extremes[0];  // at most 0
    if (!is_wide(p.extremes)) y /= ex2(gap * kLog2e);
    row_sum[i] = x;
    column_sum[i] = y;
    loss = double(log1p_(x)) + double(log1p_(y));
    if (!(x < JC_INFINITY && y < JC_INFINITY)) worst = 1.f;
    if (!(gap > -JC_INFINITY && gap < JC_INFINITY)) worst = 2.f;
  }
  loss = warp_sum(loss);
  worst = warp_max(worst);
  const uint32_t shared = shared_base(), warp = uint32_t(thread_id() >> 5);
  if ((thread_id() & 31) == 0) sts(shared + 16 * warp, loss), sts(shared + 16 * warp + 8, double(worst));
  sync_block();
  if (thread_id() > 0) return;
  for (uint32_t w = 1; w < kFinish / 32; ++w) {
    loss += lds_f64(shared + 16 * w);
    worst = max_(worst, float(lds_f64(shared + 16 * w + 8)));
  }
  block_loss[block_x()] = loss;
  block_worst[block_x()] = double(worst);
}

JC_KERNEL(32, 1)
loss_total(const double* block_loss, const double* block_worst, int count, int n, float* loss, int64_t* status) {
  double sum = 0;
  float worst = 0.f;
  for (int i = thread_id(); i < count; i += 32) {
    sum += block_loss[i];
    worst = max_(worst, float(block_worst[i]));
  }
  sum = warp_sum(sum);
  worst = warp_max(worst);
  if (thread_id() > 0) return;
  *loss = worst == 0.f ? float(sum / (2.0 * n)) : JC_NAN;  // never a plausible wrong number
  *status = int64_t(worst);
}

// ---- gradient ----

constexpr int kRowTiles = 4;  // of one block

struct Gradient {
  Features f;
  const float *scale, *diagonal, *row_sum, *column_sum;
  bf16* g;
  double* part;
  int row_first, column_first;
  int64_t ldg;
};

JC_KERNEL(kWarps * 32, 2) loss_gradient(const Gradient p) {
  const Lane me;
  const int row_base = p.row_first + int(block_x()) * kRowTiles * kTile,
            column_base = p.column_first + int(block_y()) * kTile;
  const int rows = p.f.rows_end - row_base,
            row_tiles = rows < kRowTiles * kTile ? (rows + kTile - 1) / kTile : kRowTiles;
  const float scale = p.scale[0];
  const uint32_t s_column = shared_base() + kRing, s_sum = s_column + 8 * kTile;  // [2][128]: lse' and z_jj
  if (me.thread < kTile) {
    const int col = column_base + me.thread;
    const float zjj = col < p.f.columns_end ? p.diagonal[col] : 0.f;
    sts(s_column + 4u * uint32_t(me.thread), col < p.f.columns_end ? zjj + log1p_(p.column_sum[col]) : JC_INFINITY);
    sts(s_column + 4u * uint32_t(kTile + me.thread), zjj);
  }
  float sum = 0.f;
  auto tile = [&](int r, int, float(&z)[2][8][4], uint32_t stage) {
    const int first_row = row_base + r * kTile + (me.warp >> 1) * 32, first_column = column_base + (me.warp & 1) * 64;
    const uint32_t s_stage = stage + uint32_t(me.warp) * 4096;  // 32 rows x 64 columns of this warp
    float zii[4], lse[4];
    JC_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int row = first_row + i * 8 + (me.lane >> 2);
      zii[i] = row < p.f.rows_end ? p.diagonal[row] : 0.f;
      lse[i] = row < p.f.rows_end ? zii[i] + log1p_(p.row_sum[row]) : JC_INFINITY;  // no such row: all its terms are 0
    }
    sync_block();  // all have read the operands
    JC_UNROLL
    for (int j = 0; j < 8; ++j) {
      float zjj[2], lse_column[2];
      JC_UNROLL
      for (int e = 0; e < 2; ++e) {
        const uint32_t cell = s_column + 4u * uint32_t(me.column + j * 8 + e);
        lse_column[e] = lds_f32(cell);
        zjj[e] = lds_f32(cell + 4 * kTile);
      }
      JC_UNROLL
      for (int i = 0; i < 4; ++i) {
        const int local = i * 8 + (me.lane >> 2), row = first_row + local;
        float g[2];
        JC_UNROLL
        for (int e = 0; e < 2; ++e) {
          const int col = first_column + j * 8 + (me.lane & 3) * 2 + e;
          const float value = z[i >> 1][j][(i & 1) * 2 + e] * scale;
          const bool inside = row < p.f.rows_end && col < p.f.columns_end;
          const float by_row = ex2((value - lse[i]) * kLog2e), by_column = ex2((value - lse_column[e]) * kLog2e);
          g[e] = by_row + by_column;
          float share = fma_(by_row, value - zii[i], by_column * (value - zjj[e]));
          if (row == col && inside) {
            const float x = p.row_sum[row], y = p.column_sum[col];
            g[e] = -(x / (1.f + x) + y / (1.f + y));
            share = 0.f;
          }
          sum += inside ? share : 0.f;  // a pair with one foot outside the block has one finite lse
        }
        sts(s_stage + swizzled(uint32_t(local), uint32_t(j)) + uint32_t(me.lane & 3) * 4, pack(g[0], g[1]));
      }
    }
    sync_warp();
    JC_UNROLL
    for (int i = 0; i < 8; ++i) {
      const int local = i * 4 + (me.lane >> 3), chunk = me.lane & 7, row = first_row + local,
                col = first_column + chunk * 8;
      if (row >= p.f.rows_end || col >= p.f.columns_end) continue;
      const uint4 v = lds128(s_stage + swizzled(uint32_t(local), uint32_t(chunk)));
      bf16* to = p.g + int64_t(row - p.row_first) * p.ldg + (col - p.column_first);
      if (col + 8 <= p.f.columns_end) {
        stg128(to, v);
      } else {
        const uint32_t pairs[4] = {v.x, v.y, v.z, v.w};
        JC_UNROLL
        for (int e = 0; e < 8; ++e)
          if (col + e < p.f.columns_end) to[e] = bf16(e & 1 ? pairs[e >> 1] >> 16 : pairs[e >> 1] & 0xffffu);
      }
    }
  };
  sweep(p.f, me, row_base, row_tiles, column_base, 1, tile, [](int) {});
  const double mine = warp_sum(double(sum));
  if (me.lane == 0) sts(s_sum + 8u * uint32_t(me.warp), mine);
  sync_block();
  if (me.thread > 0) return;
  double total = 0;
  for (uint32_t w = 0; w < kWarps; ++w) total += lds_f64(s_sum + 8 * w);
  p.part[size_t(block_y()) * grid_x() + block_x()] = total;
}

// ---- sizes ----

// Side of a super-block: from N alone, so that every GPU adds in the same order. About 1,024 of them up to N = 32,768;
// then 1,024 pairs, which leaves room for two blocks an SM; above 262,144 pairs 4,096, or the partials would outgrow
// the features.
int64_t side_of(int64_t n, int64_t wanted) {
  if (wanted > 0) return wanted;
  if (n > 262144) return 4096;
  int64_t side = kTile;
  while (side < 1024 && side * 32 < n) side *= 2;
  return side;
}

struct Layout {
  size_t block_loss, block_worst, block_extremes, extremes, row_part, column_part, bytes;
};

Layout layout_of(int64_t n, int64_t side) {
  const int64_t parts = (n + side - 1) / side;
  Layout l{};
  auto take = [&](int64_t bytes) {
    const size_t at = l.bytes;
    l.bytes += (size_t(bytes) + 255) & ~size_t(255);
    return at;
  };
  l.block_loss = take((n + kFinish - 1) / kFinish * 8);
  l.block_worst = take((n + kFinish - 1) / kFinish * 8);
  l.block_extremes = take((n + 7) / 8 * 8);
  l.extremes = take(8);
  l.row_part = take(parts * n * 4);
  l.column_part = take(parts * n * 4);
  return l;
}

bool fits(int64_t n, int64_t width) {
  return n >= 1 && width >= kDepth && width % kDepth == 0 && n <= (int64_t(1) << 32) / width && n < 0x40000000;
}

}  // namespace
}  // namespace jc

extern "C" int64_t jc_contrastive_loss_bf16_workspace(const jc_context*, const jc_contrastive_loss_bf16_args* a) {
  return jc::fits(a->n, a->width) ? int64_t(jc::layout_of(a->n, jc::side_of(a->n, a->side)).bytes) : 0;
}

extern "C" int32_t jc_contrastive_loss_bf16(jc_context* context, const jc_contrastive_loss_bf16_args* a) {
  using namespace jc;
  if (!fits(a->n, a->width))
    return fail(context, JC_INVALID,
                "jc_contrastive_loss_bf16: n %lld, width %lld; width must be a multiple of 64, n * width at most 2^32",
                (long long)a->n, (long long)a->width);
  if (!aligned(a->image) || !aligned(a->text) || !aligned(a->workspace, 64))
    return fail(context, JC_INVALID,
                "jc_contrastive_loss_bf16: features must be 16-byte aligned, the workspace 64-byte");
  const int64_t wide = side_of(a->n, a->side);
  if (wide % kTile || wide > 8192)
    return fail(context, JC_INVALID, "jc_contrastive_loss_bf16: side %lld is not a multiple of 128 up to 8192",
                (long long)a->side);
  const Layout l = layout_of(a->n, wide);
  if ((a->n + wide - 1) / wide > 65535)
    return fail(context, JC_UNSUPPORTED, "jc_contrastive_loss_bf16: more than 65535 super-blocks");
  if (a->workspace_bytes < int64_t(l.bytes))
    return fail(context, JC_INVALID, "jc_contrastive_loss_bf16: workspace of %lld bytes, needs %lld",
                (long long)a->workspace_bytes, (long long)l.bytes);
  auto* base = static_cast<unsigned char*>(a->workspace);
  auto floats = [&](size_t at) { return reinterpret_cast<float*>(base + at); };
  auto* block_loss = reinterpret_cast<double*>(base + l.block_loss);
  auto* block_worst = reinterpret_cast<double*>(base + l.block_worst);
  const int n = int(a->n), width = int(a->width), side = int(wide), parts = (n + side - 1) / side;
  const unsigned eights = unsigned((n + 7) / 8), finish = unsigned((n + kFinish - 1) / kFinish);
  const Sums p{{a->image, a->text, n, n, width},
               a->logit_scale,
               a->diagonal,
               floats(l.extremes),
               n,
               side,
               floats(l.row_part),
               floats(l.column_part)};
  const Stream stream = stream_of(context);
  int32_t e = launch(loss_diagonal, dim3(eights), 256, 64, stream, a->image, a->text, a->logit_scale, n, width,
                     a->diagonal, floats(l.block_extremes));
  if (!e)
    e = launch(loss_extremes, dim3(2), 1024, 128, stream, static_cast<const float*>(floats(l.block_extremes)),
               int(eights), floats(l.extremes));
  if (!e)
    e = launch(loss_sums, dim3(unsigned(parts), unsigned(parts)), kWarps * 32,
               kRing + 8u * unsigned(side) + 16u * kTile, stream, p);
  if (!e)
    e = launch(loss_finish, dim3(finish), kFinish, 16 * (kFinish / 32), stream, p, parts, a->row_sum, a->column_sum,
               block_loss, block_worst);
  if (!e)
    e = launch(loss_total, dim3(1), 32, 0, stream, static_cast<const double*>(block_loss),
               static_cast<const double*>(block_worst), int(finish), n, a->loss, a->status);
  return launched(context, e, "jc_contrastive_loss_bf16");
}

extern "C" int64_t jc_contrastive_loss_gradient_parts(int64_t rows, int64_t columns) {
  using namespace jc;
  return (rows + kRowTiles * kTile - 1) / (kRowTiles * kTile) * ((columns + kTile - 1) / kTile);
}

extern "C" int32_t jc_contrastive_loss_gradient_bf16(jc_context* context,
                                                     const jc_contrastive_loss_gradient_bf16_args* a) {
  using namespace jc;
  if (!fits(a->n, a->width) || a->rows < 1 || a->columns < 1 || a->row_first < 0 || a->column_first < 0 ||
      a->rows > a->n - a->row_first || a->columns > a->n - a->column_first || a->ldg < a->columns || a->ldg % 8 ||
      a->columns > 65535 * int64_t(kTile))
    return fail(
        context, JC_INVALID,
        "jc_contrastive_loss_gradient_bf16: n %lld, width %lld, rows %lld + %lld, columns %lld + %lld, ldg %lld",
        (long long)a->n, (long long)a->width, (long long)a->row_first, (long long)a->rows, (long long)a->column_first,
        (long long)a->columns, (long long)a->ldg);
  if (!aligned(a->image) || !aligned(a->text) || !aligned(a->g))
    return fail(context, JC_INVALID, "jc_contrastive_loss_gradient_bf16: pointers must be multiples of 16 bytes");
  const Gradient p{{a->image, a->text, int(a->row_first + a->rows), int(a->column_first + a->columns), int(a->width)},
                   a->logit_scale,
                   a->diagonal,
                   a->row_sum,
                   a->column_sum,
                   a->g,
                   a->scale_part,
                   int(a->row_first),
                   int(a->column_first),
                   a->ldg};
  const dim3 grid(unsigned((a->rows + kRowTiles * kTile - 1) / (kRowTiles * kTile)),
                  unsigned((a->columns + kTile - 1) / kTile));
  const int32_t e = launch(loss_gradient, grid, kWarps * 32, kRing + 8 * kTile + 8 * kWarps, stream_of(context), p);
  return launched(context, e, "jc_contrastive_loss_gradient_bf16");
}
