; What a choice gives that nobody knows is any of the two.
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"

@a = internal global [10 x i8] zeroinitializer, align 16
@b = internal global [4 x i8] zeroinitializer, align 16
@c = internal global [4 x i8*] zeroinitializer, align 16

declare i32 @rand()

; unsafe: distance_of_a_choice
define i32 @distance_of_a_choice() {
  %r = call i32 @rand()
  %odd = trunc i32 %r to i1
  %x = ptrtoint i8* getelementptr ([10 x i8], [10 x i8]* @a, i64 0, i64 9) to i64
  %y = ptrtoint [10 x i8]* @a to i64
  %any = select i1 %odd, i64 %x, i64 %y
  %d = sub i64 %any, %y
  %e = sub i64 9, %d
  %f = add i64 %e, %e
  %p = getelementptr [10 x i8], [10 x i8]* @a, i64 0, i64 %f
  %v = load i8, i8* %p
  %w = zext i8 %v to i32
  ret i32 %w
}
; unsafe: distance_of_a_choice_turned
define i32 @distance_of_a_choice_turned() {
  %r = call i32 @rand()
  %odd = trunc i32 %r to i1
  %x = ptrtoint i8* getelementptr ([10 x i8], [10 x i8]* @a, i64 0, i64 9) to i64
  %y = ptrtoint [10 x i8]* @a to i64
  %any = select i1 %odd, i64 %y, i64 %x
  %d = sub i64 %any, %y
  %e = sub i64 9, %d
  %f = add i64 %e, %e
  %p = getelementptr [10 x i8], [10 x i8]* @a, i64 0, i64 %f
  %v = load i8, i8* %p
  %w = zext i8 %v to i32
  ret i32 %w
}
; unsafe: low_bits_of_a_choice
define i32 @low_bits_of_a_choice() {
  %r = call i32 @rand()
  %odd = trunc i32 %r to i1
  %x = ptrtoint i8* getelementptr ([10 x i8], [10 x i8]* @a, i64 0, i64 9) to i64
  %y = ptrtoint [10 x i8]* @a to i64
  %any = select i1 %odd, i64 %x, i64 %y
  %d = and i64 %any, 15
  %e = sub i64 9, %d
  %f = add i64 %e, %e
  %p = getelementptr [10 x i8], [10 x i8]* @a, i64 0, i64 %f
  %v = load i8, i8* %p
  %w = zext i8 %v to i32
  ret i32 %w
}
; unsafe: store_to_a_choice
define i32 @store_to_a_choice(i8* %in, i64 %in_len, i8* %out, i64 %out_cap) {
  %odd = trunc i64 %in_len to i1
  %small = icmp ult i64 %out_cap, 4
  br i1 %small, label %none, label %room
none:
  ret i32 0
room:
  %first = getelementptr [4 x i8], [4 x i8]* @b, i64 0, i64 0
  %p = select i1 %odd, i8* %out, i8* %first
  store i8 77, i8* %p
  %v = load i8, i8* %first
  %w = zext i8 %v to i64
  %q = getelementptr [10 x i8], [10 x i8]* @a, i64 0, i64 %w
  %x = load i8, i8* %q
  %y = zext i8 %x to i32
  ret i32 %y
}
; unsafe: store_to_a_choice_turned
define i32 @store_to_a_choice_turned(i8* %in, i64 %in_len, i8* %out, i64 %out_cap) {
  %odd = trunc i64 %in_len to i1
  %small = icmp ult i64 %out_cap, 4
  br i1 %small, label %none, label %room
none:
  ret i32 0
room:
  %first = getelementptr [4 x i8], [4 x i8]* @b, i64 0, i64 0
  %p = select i1 %odd, i8* %first, i8* %out
  store i8 77, i8* %p
  %v = load i8, i8* %first
  %w = zext i8 %v to i64
  %q = getelementptr [10 x i8], [10 x i8]* @a, i64 0, i64 %w
  %x = load i8, i8* %q
  %y = zext i8 %x to i32
  ret i32 %y
}
; unsafe: store_of_an_address_to_a_choice
define i32 @store_of_an_address_to_a_choice() {
  %r = call i32 @rand()
  %odd = trunc i32 %r to i1
  %s = getelementptr [4 x i8*], [4 x i8*]* @c, i64 0, i64 1
  %t = getelementptr [4 x i8*], [4 x i8*]* @c, i64 0, i64 2
  store i8* getelementptr ([10 x i8], [10 x i8]* @a, i64 0, i64 0), i8** %s
  store i8* getelementptr ([10 x i8], [10 x i8]* @a, i64 0, i64 0), i8** %t
  %p = select i1 %odd, i8** %s, i8** %t
  store i8* getelementptr ([4 x i8], [4 x i8]* @b, i64 0, i64 0), i8** %p
  %u = load i8*, i8** %t
  %q = getelementptr i8, i8* %u, i64 9
  %x = load i8, i8* %q
  %y = zext i8 %x to i32
  ret i32 %y
}
