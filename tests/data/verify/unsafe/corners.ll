; Corners of LLVM IR that no C compiler writes: every function of a line "; unsafe: NAME" is.
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"

@cells = internal global [4 x i32] zeroinitializer
@others = internal global [4 x i32] zeroinitializer
@bytes = internal global [16 x i8] zeroinitializer
@nothing = internal global [0 x i8] zeroinitializer
%pair = type { i64, i64 }
%odd = type { i8, i33, i8 }
%packed = type <{ i8, i32, i8 }>

; ---- what is called is not what is named ----

declare double @abs(double)
declare i32 @labs(i32)
declare float @fabs(float)
declare i8* @memset(i8*, i32, i32)
declare i8* @memcpy(i8*, i8*, i32)
declare i8* @memmove(i64, i8*, i64)
declare double @floor(double, double)
declare double @llvm.roundeven.f64(double)
declare i32 @llvm.fshl.i32(i32, i32, i32)
declare i32 @llvm.ctlz.i32(i32, i1)
declare i32 @llvm.cttz.i32(i32, i1)
declare i32 @llvm.abs.i32(i32, i1)
declare i8 @llvm.uadd.sat.i8(i8, i8)
declare i8 @llvm.sadd.sat.i8(i8, i8)
declare i8 @llvm.ushl.sat.i8(i8, i8)
declare { i33, i1 } @llvm.uadd.with.overflow.i33(i33, i33)
declare void @llvm.memset.p0i8.i64(i8*, i8, i64, i1)
declare void @llvm.memmove.p0i8.p0i8.i64(i8*, i8*, i64, i1)
declare { i63, i1 } @llvm.sadd.with.overflow.i63(i63, i63)
declare void @llvm.lifetime.start.p0i8(i64, i8*)
declare void @llvm.lifetime.end.p0i8(i64, i8*)
declare void @llvm.assume(i1)
declare i64 @llvm.objectsize.i64.p0i8(i8*, i1, i1, i1)
declare i8* @llvm.ptrmask.p0i8.i64(i8*, i64)
declare i8* @llvm.returnaddress(i32)
declare i64 @llvm.read_register.i64(metadata)
declare i8* @llvm.frameaddress.p0i8(i32)

; unsafe: abs_of_a_double
define i64 @abs_of_a_double(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %d = sitofp i64 -5 to double
  %a = call double @abs(double %d)
  %c = fcmp olt double %a, 4.0
  br i1 %c, label %yes, label %no
yes:
  %i = fptosi double %a to i64
  %p = getelementptr [16 x i8], [16 x i8]* @bytes, i64 0, i64 %i
  %v = load i8, i8* %p
  %r = zext i8 %v to i64
  ret i64 %r
no:
  ret i64 0
}
; unsafe: labs_of_half
define i64 @labs_of_half(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %m = trunc i64 %n to i32
  %k = sub i32 0, %m
  %a = call i32 @labs(i32 %k)
  %c = icmp slt i32 %a, 4
  br i1 %c, label %yes, label %no
yes:
  %i = sext i32 %a to i64
  %p = getelementptr [16 x i8], [16 x i8]* @bytes, i64 0, i64 %i
  %v = load i8, i8* %p
  %r = zext i8 %v to i64
  ret i64 %r
no:
  ret i64 0
}
; unsafe: fabs_of_half
define i64 @fabs_of_half(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = call float @fabs(float -3.0)
  %i = fptosi float %a to i64
  %p = getelementptr [16 x i8], [16 x i8]* @bytes, i64 0, i64 %i
  %v = load i8, i8* %p
  %r = zext i8 %v to i64
  ret i64 %r
}
; unsafe: memset_of_half
define i64 @memset_of_half(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %wide = or i64 %n, 4294967296
  %m = trunc i64 %wide to i32
  %k = and i32 %m, 15
  %p = getelementptr [16 x i8], [16 x i8]* @bytes, i64 0, i64 0
  %x = call i8* @memset(i8* %p, i32 0, i32 %k)
  ret i64 0
}
; unsafe: memcpy_of_half
define i64 @memcpy_of_half(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %p = getelementptr [16 x i8], [16 x i8]* @bytes, i64 0, i64 0
  %q = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 0
  %b = bitcast i32* %q to i8*
  %x = call i8* @memcpy(i8* %p, i8* %b, i32 16)
  ret i64 0
}
; unsafe: memmove_of_a_number
define i64 @memmove_of_a_number(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %x = call i8* @memmove(i64 4096, i8* %in, i64 0)
  ret i64 0
}
; unsafe: floor_of_two
define i64 @floor_of_two(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = call double @floor(double 9.0, double 1.0)
  %i = fptosi double %a to i64
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: round_to_even
define i64 @round_to_even(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = call double @llvm.roundeven.f64(double 2.5)
  %i = fptosi double %a to i64
  %k = sub i64 %i, 3
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %k
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: count_of_zero
define i64 @count_of_zero(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %m = trunc i64 %n to i32
  %a = call i32 @llvm.ctlz.i32(i32 %m, i1 true)
  %i = zext i32 %a to i64
  ret i64 %i
}
; unsafe: count_is_the_width
define i64 @count_is_the_width(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %m = trunc i64 %n to i32
  %a = call i32 @llvm.cttz.i32(i32 %m, i1 false)
  %b = lshr i32 1, %a
  %i = zext i32 %b to i64
  ret i64 %i
}
; unsafe: absolute_of_the_smallest_i32
define i64 @absolute_of_the_smallest_i32(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %m = trunc i64 %n to i32
  %s = shl i32 %m, 31
  %a = call i32 @llvm.abs.i32(i32 %s, i1 true)
  %c = icmp slt i32 %a, 4
  br i1 %c, label %yes, label %no
yes:
  %i = sext i32 %a to i64
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %v = load i32, i32* %p
  ret i64 0
no:
  ret i64 0
}
; unsafe: saturates_signed
define i64 @saturates_signed(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %m = trunc i64 %n to i8
  %a = call i8 @llvm.sadd.sat.i8(i8 %m, i8 1)
  %i = sext i8 %a to i64
  %p = getelementptr [16 x i8], [16 x i8]* @bytes, i64 0, i64 %i
  %v = load i8, i8* %p
  ret i64 0
}
; unsafe: overflow_of_33_bits
define i64 @overflow_of_33_bits(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %m = trunc i64 %n to i33
  %h = or i33 %m, 8589934576
  %o = call { i33, i1 } @llvm.uadd.with.overflow.i33(i33 %h, i33 %h)
  %f = extractvalue { i33, i1 } %o, 1
  %i = select i1 %f, i64 4, i64 0
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: overflow_of_63_bits
define i64 @overflow_of_63_bits(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %m = trunc i64 %n to i63
  %h = add i63 %m, 4611686018427387903
  %o = call { i63, i1 } @llvm.sadd.with.overflow.i63(i63 %h, i63 1)
  %f = extractvalue { i63, i1 } %o, 1
  %i = select i1 %f, i64 4, i64 0
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %v = load i32, i32* %p
  ret i64 0
}
declare { i40, i1 } @llvm.smul.with.overflow.i40(i40, i40)
; unsafe: product_of_40_bits
define i64 @product_of_40_bits(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %m = trunc i64 %n to i40
  %h = add i40 %m, 549755813887
  %o = call { i40, i1 } @llvm.smul.with.overflow.i40(i40 %h, i40 3)
  %f = extractvalue { i40, i1 } %o, 1
  %i = select i1 %f, i64 4, i64 0
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: copied_into_a_copy
define i64 @copied_into_a_copy(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %p = bitcast [16 x i8]* @bytes to i8*
  %x = call i8* @memset(i8* byval(i8) %p, i32 0, i32 1)
  ret i64 0
}
; unsafe: masked_pointer
define i64 @masked_pointer(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %p = call i8* @llvm.ptrmask.p0i8.i64(i8* %in, i64 -4096)
  %v = load i8, i8* %p
  ret i64 0
}
; unsafe: return_address
define i64 @return_address(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %p = call i8* @llvm.returnaddress(i32 0)
  %v = load i8, i8* %p
  ret i64 0
}
; unsafe: promised
define i64 @promised(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %c = icmp ult i64 %n, 4
  call void @llvm.assume(i1 true) [ "nonnull"(i8* %in), "align"(i8* %in, i64 64) ]
  call void @llvm.assume(i1 %c)
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %n
  %v = load i32, i32* %p
  ret i64 0
}

; ---- structures by value ----

define internal i64 @takes_copy(%pair* byval(%pair) %p) noinline {
  %q = getelementptr %pair, %pair* %p, i64 0, i32 1
  %v = load i64, i64* %q
  ret i64 %v
}
define internal i64 @takes_address(%pair* %p) noinline {
  %q = getelementptr %pair, %pair* %p, i64 0, i32 1
  %v = load i64, i64* %q
  ret i64 %v
}
define internal i64 @takes_more(i64 %a, %pair* byval(%pair) %p) noinline {
  ret i64 %a
}
; unsafe: copy_for_an_address
define i64 @copy_for_an_address(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = alloca %pair
  store %pair zeroinitializer, %pair* %a
  %v = call i64 @takes_address(%pair* byval(%pair) %a)
  ret i64 %v
}
; unsafe: address_for_a_copy
define i64 @address_for_a_copy(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = alloca %pair
  store %pair zeroinitializer, %pair* %a
  %t = alloca i64 (%pair*)*
  store i64 (%pair*)* @takes_copy, i64 (%pair*)** %t
  %f = load i64 (%pair*)*, i64 (%pair*)** %t
  %v = call i64 %f(%pair* %a)
  ret i64 %v
}
; unsafe: copy_of_another_size
define i64 @copy_of_another_size(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = alloca i64
  store i64 0, i64* %a
  %b = bitcast i64* %a to %pair*
  %v = call i64 @takes_copy(%pair* byval(%pair) %b)
  ret i64 %v
}
; unsafe: copy_is_larger_than_the_callees
define i64 @copy_is_larger_than_the_callees(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = alloca [32 x i64]
  store [32 x i64] zeroinitializer, [32 x i64]* %a
  %f = bitcast i64 (i64, %pair*)* @takes_more to i64 (i64, [32 x i64]*)*
  %v = call i64 %f(i64 1, [32 x i64]* byval([32 x i64]) %a)
  ret i64 %v
}

; ---- code that is in no instruction ----

; unsafe: has_a_prologue
define i64 @has_a_prologue(i8* %in, i64 %n, i8* %out, i64 %cap) prologue i8 -52 {
  ret i64 0
}
; unsafe: calls_a_prologue
define internal i64 @with_prologue(i64 %n) noinline prologue [2 x i8] c"\0F\0B" {
  ret i64 %n
}
define i64 @calls_a_prologue(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %v = call i64 @with_prologue(i64 %n)
  ret i64 %v
}
; ---- lives of variables ----

; unsafe: used_before_its_life
define i64 @used_before_its_life(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = alloca [4 x i8]
  %b = alloca [4 x i8]
  %p = getelementptr [4 x i8], [4 x i8]* %a, i64 0, i64 0
  %q = getelementptr [4 x i8], [4 x i8]* %b, i64 0, i64 0
  store i8 1, i8* %p
  call void @llvm.lifetime.start.p0i8(i64 4, i8* %q)
  store i8 2, i8* %q
  %v = load i8, i8* %p
  call void @llvm.lifetime.end.p0i8(i64 4, i8* %q)
  call void @llvm.lifetime.start.p0i8(i64 4, i8* %p)
  store i8 3, i8* %p
  call void @llvm.lifetime.end.p0i8(i64 4, i8* %p)
  %i = zext i8 %v to i64
  %r = getelementptr [2 x i8], [2 x i8]* bitcast ([4 x i32]* @cells to [2 x i8]*), i64 0, i64 %i
  store i8 1, i8* %r
  ret i64 0
}
; unsafe: used_after_its_life
define i64 @used_after_its_life(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = alloca [4 x i8]
  %p = getelementptr [4 x i8], [4 x i8]* %a, i64 0, i64 0
  call void @llvm.lifetime.start.p0i8(i64 4, i8* %p)
  store i8 1, i8* %p
  call void @llvm.lifetime.end.p0i8(i64 4, i8* %p)
  %v = load i8, i8* %p
  ret i64 0
}
; unsafe: used_after_its_life_on_one_path
define i64 @used_after_its_life_on_one_path(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = alloca [4 x i8]
  %p = getelementptr [4 x i8], [4 x i8]* %a, i64 0, i64 0
  call void @llvm.lifetime.start.p0i8(i64 4, i8* %p)
  store i8 1, i8* %p
  %c = icmp ugt i64 %n, 3
  br i1 %c, label %end, label %go
end:
  call void @llvm.lifetime.end.p0i8(i64 4, i8* %p)
  br label %go
go:
  store i8 1, i8* %p
  ret i64 0
}

; ---- undefined and poisonous ----

; unsafe: undefined_field
define i64 @undefined_field(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %s = insertvalue { i64, i64 } undef, i64 1, 0
  %i = extractvalue { i64, i64 } { i64 1, i64 undef }, 1
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  store i32 1, i32* %p
  ret i64 0
}
; unsafe: chosen_by_the_undefined
define i64 @chosen_by_the_undefined(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %i = select i1 undef, i64 1, i64 7
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  store i32 1, i32* %p
  ret i64 0
}
; unsafe: loads_the_undefined
define i64 @loads_the_undefined(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %v = load i32, i32* undef
  ret i64 0
}
; unsafe: loads_a_bit_of_a_byte
define i64 @loads_a_bit_of_a_byte(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %c = icmp eq i64 %n, 0
  br i1 %c, label %no, label %yes
yes:
  %p = bitcast i8* %in to i1*
  %v = load i1, i1* %p
  ret i64 0
no:
  ret i64 0
}

; ---- widths, strides, places ----

; unsafe: odd_width
define i64 @odd_width(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %t = trunc i64 %n to i3
  %s = sext i3 %t to i64
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %s
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: wide_index
define i64 @wide_index(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i128 18446744073709551620
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: narrow_index_is_signed
define i64 @narrow_index_is_signed(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %t = trunc i64 %n to i2
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i2 %t
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: stride_of_an_odd_type
define i64 @stride_of_an_odd_type(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %b = bitcast [16 x i8]* @bytes to i33*
  %p = getelementptr i33, i33* %b, i64 2
  %q = bitcast i33* %p to i8*
  %v = load i8, i8* %q
  ret i64 0
}
; unsafe: store_of_an_odd_type
define i64 @store_of_an_odd_type(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %b = bitcast [16 x i8]* @bytes to i24*
  store i24 -1, i24* %b
  ret i64 0
}
; unsafe: field_of_a_packed_one
define i64 @field_of_a_packed_one(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %b = bitcast [16 x i8]* @bytes to %packed*
  %p = getelementptr %packed, %packed* %b, i64 2, i32 1
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: scaled_index_wraps
define i64 @scaled_index_wraps(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %i = shl i64 %n, 60
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %k = add i64 %n, 4
  %q = getelementptr i32, i32* %p, i64 %k
  %v = load i32, i32* %q
  ret i64 0
}
; unsafe: element_of_nothing
define i64 @element_of_nothing(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %p = getelementptr [0 x i8], [0 x i8]* @nothing, i64 0, i64 0
  store i8 1, i8* %p
  ret i64 0
}
; unsafe: vector_of_cells
define i64 @vector_of_cells(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %b = bitcast [4 x i32]* @cells to <8 x i32>*
  %v = load <8 x i32>, <8 x i32>* %b
  ret i64 0
}
; unsafe: long_double
define i64 @long_double(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %b = bitcast [4 x i32]* @cells to x86_fp80*
  %p = getelementptr x86_fp80, x86_fp80* %b, i64 1
  %v = load x86_fp80, x86_fp80* %p
  ret i64 0
}
; unsafe: half_a_float
define i64 @half_a_float(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %b = bitcast [4 x i32]* @cells to half*
  %v = load half, half* %b
  %f = fpext half %v to double
  %i = fptosi double %f to i64
  ret i64 %i
}
; unsafe: whole_structure_is_too_large
define i64 @whole_structure_is_too_large(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %b = bitcast [4 x i32]* @cells to { i64, i64, i64 }*
  %v = load { i64, i64, i64 }, { i64, i64, i64 }* %b
  ret i64 0
}
; unsafe: difference_of_addresses
define i64 @difference_of_addresses(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = ptrtoint [4 x i32]* @cells to i64
  %b = ptrtoint [4 x i32]* @others to i64
  %d = sub i64 %a, %b
  %p = getelementptr i8, i8* bitcast ([4 x i32]* @others to i8*), i64 %d
  store i8 1, i8* %p
  ret i64 0
}
; unsafe: compares_signed_addresses
define i64 @compares_signed_addresses(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %c = icmp sgt [4 x i32]* @cells, null
  %i = select i1 %c, i64 4, i64 0
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: end_meets_another
define i64 @end_meets_another(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %e = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 4
  %b = getelementptr [4 x i32], [4 x i32]* @others, i64 0, i64 0
  %c = icmp eq i32* %e, %b
  %i = select i1 %c, i64 4, i64 0
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: empty_meets_another
define i64 @empty_meets_another(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %c = icmp eq [0 x i8]* @nothing, bitcast ([4 x i32]* @cells to [0 x i8]*)
  %i = select i1 %c, i64 4, i64 0
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: far_past_meets_null
define i64 @far_past_meets_null(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %e = getelementptr i8, i8* %in, i64 %n
  %f = getelementptr i8, i8* %e, i64 %cap
  %g = getelementptr i8, i8* %f, i64 -9223372036854775808
  %c = icmp eq i8* %g, null
  %i = select i1 %c, i64 4, i64 0
  %p = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %v = load i32, i32* %p
  ret i64 0
}
; unsafe: null_and_an_index
define i64 @null_and_an_index(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %p = getelementptr i8, i8* null, i64 %n
  %c = icmp eq i8* %p, null
  br i1 %c, label %no, label %yes
yes:
  %v = load i8, i8* %p
  ret i64 0
no:
  ret i64 0
}
; unsafe: other_address_space
define i64 @other_address_space(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %v = load i32, i32 addrspace(256)* @of_the_thread
  %p = addrspacecast i32 addrspace(256)* @of_the_thread to i32*
  ret i64 0
}
@of_the_thread = internal addrspace(256) global i32 0
; unsafe: loads_of_the_thread
define i64 @loads_of_the_thread(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %v = load i32, i32 addrspace(256)* @of_the_thread
  ret i64 0
}
; unsafe: stores_to_the_thread
define i64 @stores_to_the_thread(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %p = getelementptr i32, i32 addrspace(256)* @of_the_thread, i64 0
  store i32 1, i32 addrspace(256)* %p
  ret i64 0
}
; unsafe: divides_by_a_bit
define i64 @divides_by_a_bit(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %b = trunc i64 %n to i1
  %q = sdiv i1 true, %b
  ret i64 0
}
; unsafe: shifts_an_odd_width
define i64 @shifts_an_odd_width(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %t = trunc i64 %n to i33
  %a = and i33 %t, 63
  %s = shl i33 1, %a
  %z = zext i33 %s to i64
  ret i64 %z
}
; unsafe: loops_in_itself
define i64 @loops_in_itself(i8* %in, i64 %n, i8* %out, i64 %cap) {
entry:
  %c = icmp eq i64 %n, 77
  br i1 %c, label %loop, label %end
loop:
  br label %loop
end:
  ret i64 0
}
; unsafe: switches_to_itself
define i64 @switches_to_itself(i8* %in, i64 %n, i8* %out, i64 %cap) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %k, %loop ], [ %k, %loop ]
  %k = xor i64 %i, 1
  switch i64 %i, label %end [ i64 0, label %loop
                              i64 1, label %loop ]
end:
  ret i64 0
}
; unsafe: reaches_the_unreachable
define i64 @reaches_the_unreachable(i8* %in, i64 %n, i8* %out, i64 %cap) {
  switch i64 %n, label %bad [ i64 0, label %end
                              i64 1, label %end ]
bad:
  unreachable
end:
  ret i64 0
}
@fixed = internal constant [4 x i8] c"abcd"
; unsafe: changes_a_constant
define i64 @changes_a_constant(i8* %in, i64 %n, i8* %out, i64 %cap) {
  store i8 1, i8* getelementptr ([4 x i8], [4 x i8]* @fixed, i64 0, i64 0)
  ret i64 0
}
; unsafe: changes_the_body
define i64 @changes_the_body(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %c = icmp eq i64 %n, 0
  br i1 %c, label %no, label %yes
yes:
  store i8 1, i8* %in
  ret i64 0
no:
  ret i64 0
}
; unsafe: changes_code
define i64 @changes_code(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %p = bitcast i64 (i64)* @with_prologue to i8*
  store i8 1, i8* %p
  ret i64 0
}

; ---- what is behind a joint, before a life, or beyond the registers ----

@bytes4 = internal global [4 x i8] zeroinitializer

; unsafe: store_behind_a_joint
define i64 @store_behind_a_joint(i8* %in, i64 %n, i8* %out, i64 %cap) {
entry:
  %k = and i64 %n, 3
  %s = lshr i64 %n, 2
  %kq = and i64 %s, 3
  %p = getelementptr [4 x i32], [4 x i32]* @others, i64 0, i64 %k
  %q = getelementptr [4 x i32], [4 x i32]* @others, i64 0, i64 %kq
  %x = load i32, i32* %p
  %y = load i32, i32* %p
  %c = icmp eq i32 %x, %y
  %d = icmp ne i32 %x, %y
  br label %J
J:
  %more = phi i1 [ %c, %entry ], [ %d, %T ]
  store i32 7, i32* %p
  br i1 %more, label %T, label %E
T:
  %l1 = load i32, i32* %q
  store i32 100, i32* %q
  %ok = icmp ult i32 %l1, 4
  br i1 %ok, label %J, label %done
E:
  %l2 = load i32, i32* %q
  %i = zext i32 %l2 to i64
  %r = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %i
  %v = load i32, i32* %r
  %w = zext i32 %v to i64
  ret i64 %w
done:
  ret i64 0
}

; unsafe: answer_that_fits_no_register
define [8 x i64] @answer_that_fits_no_register(i8* %in, i64 %n, i8* %out, i64 %cap) {
  ret [8 x i64] zeroinitializer
}

; unsafe: life_of_a_global
define i64 @life_of_a_global(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %p = getelementptr [4 x i8], [4 x i8]* @bytes4, i64 0, i64 0
  %v = load i8, i8* %p
  call void @llvm.lifetime.end.p0i8(i64 4, i8* %p)
  %w = zext i8 %v to i64
  ret i64 %w
}

; unsafe: life_behind_many_casts
define i64 @life_behind_many_casts(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = alloca i64
  %b = alloca i64
  %p1 = bitcast i64* %a to i8*
  %p2 = bitcast i8* %p1 to i16*
  %p3 = bitcast i16* %p2 to i8*
  %p4 = bitcast i8* %p3 to i16*
  %p5 = bitcast i16* %p4 to i8*
  %p6 = bitcast i8* %p5 to i16*
  %p7 = bitcast i16* %p6 to i8*
  store i64 1, i64* %a
  %v = load i64, i64* %a
  call void @llvm.lifetime.start.p0i8(i64 8, i8* %p7)
  ret i64 %v
}

; ---- two ways from one block to another, each with its value ----

; unsafe: two_edges
define i64 @two_edges(i8* %in, i64 %n, i8* %out, i64 %cap) {
entry:
  %d = icmp ugt i64 %cap, 5
  br i1 %d, label %from, label %o
from:
  %c = icmp ugt i64 %n, 5
  br i1 %c, label %J, label %T
o:
  %q = icmp ugt i64 %n, 7
  br label %J
J:
  %p = phi i1 [ true, %from ], [ %q, %o ]
  br i1 %p, label %T, label %E
T:
  %v = phi i64 [ 1, %J ], [ 20, %from ]
  %r = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %v
  %x = load i32, i32* %r
  %w = zext i32 %x to i64
  ret i64 %w
E:
  ret i64 0
}

; unsafe: two_edges_turned
define i64 @two_edges_turned(i8* %in, i64 %n, i8* %out, i64 %cap) {
entry:
  %d = icmp ugt i64 %cap, 5
  br i1 %d, label %from, label %o
from:
  %c = icmp ugt i64 %n, 5
  br i1 %c, label %T, label %J
o:
  %q = icmp ugt i64 %n, 7
  br label %J
J:
  %p = phi i1 [ true, %from ], [ %q, %o ]
  br i1 %p, label %T, label %E
T:
  %v = phi i64 [ 20, %J ], [ 1, %from ]
  %r = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %v
  %x = load i32, i32* %r
  %w = zext i32 %x to i64
  ret i64 %w
E:
  ret i64 0
}

; unsafe: two_edges_of_a_switch
define i64 @two_edges_of_a_switch(i8* %in, i64 %n, i8* %out, i64 %cap) {
entry:
  %d = icmp ugt i64 %cap, 5
  br i1 %d, label %from, label %o
from:
  switch i64 %n, label %E [
    i64 1, label %J
    i64 2, label %T
  ]
o:
  %q = icmp ugt i64 %n, 7
  br label %J
J:
  %p = phi i1 [ true, %from ], [ %q, %o ]
  br i1 %p, label %T, label %E
T:
  %v = phi i64 [ 1, %J ], [ 20, %from ]
  %r = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %v
  %x = load i32, i32* %r
  %w = zext i32 %x to i64
  ret i64 %w
E:
  ret i64 0
}

; unsafe: alloca_of_two_words
define i64 @alloca_of_two_words(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %a = alloca i32, i128 18446744073709551617
  store i32 0, i32* %a
  ret i64 0
}

; unsafe: nothing_moved_to_nowhere
define i64 @nothing_moved_to_nowhere(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %local = alloca [8 x i64]
  %to = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %n
  %to8 = bitcast i32* %to to i8*
  %from = bitcast [8 x i64]* %local to i8*
  call void @llvm.memmove.p0i8.p0i8.i64(i8* %to8, i8* %from, i64 0, i1 false)
  ret i64 0
}

; unsafe: nothing_moved_from_nowhere
define i64 @nothing_moved_from_nowhere(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %local = alloca [8 x i64]
  %from = getelementptr [4 x i32], [4 x i32]* @cells, i64 0, i64 %n
  %from8 = bitcast i32* %from to i8*
  %to = bitcast [8 x i64]* %local to i8*
  call void @llvm.memmove.p0i8.p0i8.i64(i8* %to, i8* %from8, i64 0, i1 false)
  ret i64 0
}

; Nor of a count that is only found to be zero.
; unsafe: nothing_moved_behind_a_local
define i64 @nothing_moved_behind_a_local(i8* %in, i64 %n, i8* %out, i64 %cap) {
  %local = alloca [16 x i16]
  %bytes = bitcast [16 x i16]* %local to i8*
  call void @llvm.memset.p0i8.i64(i8* %bytes, i8 0, i64 32, i1 false)
  %to = getelementptr [16 x i16], [16 x i16]* %local, i64 0, i64 31
  %to8 = bitcast i16* %to to i8*
  %from = bitcast [4 x i32]* @cells to i8*
  %less = icmp slt i64 %n, %n
  %count = zext i1 %less to i64
  call void @llvm.memmove.p0i8.p0i8.i64(i8* %to8, i8* %from, i64 %count, i1 false)
  ret i64 0
}
