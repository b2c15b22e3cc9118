/*
Licence: free.
*/
export const a: number = 1;
